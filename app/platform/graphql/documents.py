"""Document cache: parsed, checked and validated documents by their text, as parsing costs more than execution."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    parse,
    specified_rules,
    validate,
)

from app.platform.graphql.document_limits import DocumentLimits, DocumentTooLarge, check_size
from app.platform.graphql.operations import Operation, operations
from app.platform.graphql.query_plans import Plan, plan
from app.platform.graphql.redaction import without_values

CACHED_DOCUMENTS = 1000
CACHED_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document with its operations and their query plans."""

    node: DocumentNode
    operations: dict[str | None, Operation]
    plans: dict[str | None, Plan | None] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation | None:
        """The operation of this name, or the only one; None when the document has no such operation."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


class GraphQLRequestError(Exception):
    """A document that is refused before execution, with the errors of the response."""

    def __init__(self, code: str, errors: Sequence[GraphQLError]) -> None:
        """Add `extensions.code` to every error, and remove any value that was sent."""
        self.errors = [with_code(error, code) for error in errors]
        super().__init__(code)


class DocumentCache:
    """Parses and validates documents against one schema; caches the most recently used."""

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool) -> None:
        """Refuse documents beyond `limits`, and introspection unless it is on."""
        self._schema = schema
        self._limits = limits
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._suggestions = introspection
        self._cache: OrderedDict[str, Document] = OrderedDict()

    def prepare(self, text: str) -> Document:
        """The executable document of `text`; raise `GraphQLRequestError` when it is wrong."""
        cached = self._cache.get(text)
        if cached is not None:
            self._cache.move_to_end(text)
            return cached
        document = self._check(text)
        if len(text) <= CACHED_CHARACTERS:
            self._cache[text] = document
            if len(self._cache) > CACHED_DOCUMENTS:
                self._cache.popitem(last=False)
        return document

    def _check(self, text: str) -> Document:
        try:
            node = parse(text, max_lexical_tokens=self._limits.tokens, allow_empty_selection_sets=False)
            check_size(node, self._limits)
        except GraphQLSyntaxError as error:
            raise GraphQLRequestError("GRAPHQL_PARSE_FAILED", [error]) from None
        except (DocumentTooLarge, RecursionError) as error:
            reason = str(error) if isinstance(error, DocumentTooLarge) else "The document is nested too deep."
            raise GraphQLRequestError("GRAPHQL_VALIDATION_FAILED", [GraphQLError(reason)]) from None
        errors = validate(self._schema, node, self._rules, max_errors=20, hide_suggestions=not self._suggestions)
        if errors:
            raise GraphQLRequestError("GRAPHQL_VALIDATION_FAILED", errors)
        by_name = operations(self._schema, node)
        return Document(node, by_name, {name: plan(self._schema, node, name) for name in (*by_name, None)})


def with_code(error: GraphQLError, code: str) -> GraphQLError:
    """The same error with `extensions.code`; values that the caller sent are removed from its message."""
    return GraphQLError(
        without_values(error.message),
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code},
    )
