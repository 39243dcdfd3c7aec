"""Document limits: the size of a document, measured in one pass before validation.

Strawberry's own limiters walk a fragment again at every spread (2 kB of doubling fragments stop the process), and
validation compares equal fields in pairs. Oversized documents must reach neither.
"""

from collections import Counter
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAX_INTROSPECTION_DEPTH = 20
MAX_REPEATS = 100


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The largest document that is executed; `tokens` counts lexical tokens, the others selections."""

    tokens: int = 2000
    depth: int = 12
    aliases: int = 30
    fields: int = 1000


class DocumentTooLarge(Exception):
    """The document exceeds a limit; the message names it."""


@dataclass(frozen=True, slots=True)
class _Size:
    depth: int = 0
    aliases: int = 0
    fields: int = 0


class _SizeCalculator:
    """Sums up selections; each fragment is measured once, however often it is spread."""

    def __init__(self, document: DocumentNode, limits: DocumentLimits) -> None:
        self._limits = limits
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, _Size] = {}
        self._repeats: Counter[str] = Counter()

    def size(self, selections: SelectionSetNode | None) -> _Size:
        depth = aliases = fields = 0
        for node in selections.selections if selections else ():
            size = self._node(node)
            depth = max(depth, size.depth)
            aliases += size.aliases
            fields += size.fields
            if fields > self._limits.fields:
                message = f"The document selects more than {self._limits.fields} fields."
                raise DocumentTooLarge(message)
        return _Size(depth, aliases, fields)

    def _node(self, node: object) -> _Size:
        if isinstance(node, FieldNode):
            return self._field(node)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        return self.size(node.selection_set) if isinstance(node, InlineFragmentNode) else _Size()

    def _field(self, node: FieldNode) -> _Size:
        name = (node.alias or node.name).value
        self._repeats[name] += 1
        if self._repeats[name] > MAX_REPEATS:
            message = f"The document repeats a field more than {MAX_REPEATS} times."
            raise DocumentTooLarge(message)
        inner = self.size(node.selection_set)
        if node.name.value.startswith("__"):
            if inner.depth > MAX_INTROSPECTION_DEPTH:
                message = f"The introspection is nested deeper than {MAX_INTROSPECTION_DEPTH} levels."
                raise DocumentTooLarge(message)
            inner = _Size(0, inner.aliases, 0)
        return _Size(inner.depth + 1, inner.aliases + (node.alias is not None), inner.fields + 1)

    def _fragment(self, name: str) -> _Size:
        if name not in self._measured:
            # Ends the recursion of a fragment cycle; validation refuses it afterwards with a better message.
            self._measured[name] = _Size()
            fragment = self._fragments.get(name)
            self._measured[name] = self.size(fragment.selection_set if fragment else None)
        return self._measured[name]


def check_size(document: DocumentNode, limits: DocumentLimits) -> None:
    """Raise `DocumentTooLarge` when any operation of the document exceeds the limits."""
    calculator = _SizeCalculator(document, limits)
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        size = calculator.size(node.selection_set)
        if size.depth > limits.depth:
            message = f"The document is nested deeper than {limits.depth} levels."
            raise DocumentTooLarge(message)
        if size.aliases > limits.aliases:
            message = f"The document uses more than {limits.aliases} aliases."
            raise DocumentTooLarge(message)
