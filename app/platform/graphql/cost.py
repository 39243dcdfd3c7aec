"""Query cost: an estimate, made before execution, of the number of values in the largest possible answer.

Every selected field counts one, multiplied by the size of each page or list around it. Page sizes may come from
variables, so a cost is a polynomial in them. It is computed once for each document and cached with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.platform.graphql.pagination import MAX_PAGE_SIZE

ASSUMED_LIST_SIZE = 10
MUTATION_COST = 10
FIRST = "first"
MAX_INT_DIGITS = 10  # more digits than an Int has; converting a longer number is slow or refused by Python
LIST_SIZE = "size"


def clamped_page_size(given: int) -> int:
    """The page size, limited to 0 to `MAX_PAGE_SIZE`."""
    return max(0, min(given, MAX_PAGE_SIZE))


def _int_value(node: IntValueNode) -> int:
    return int(node.value) if len(node.value) < MAX_INT_DIGITS else MAX_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A page size that comes from a variable; `default` is used where the variable is absent."""

    variable: str
    default: int

    def value(self, variables: Mapping[str, Any]) -> int:
        """The page size, limited to the allowed range: any other value is refused later, at little cost."""
        given = variables.get(self.variable, self.default)
        return clamped_page_size(given) if type(given) is int else MAX_PAGE_SIZE


Monomial = tuple[Multiplier, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum of terms, each a number multiplied by some page sizes."""

    terms: Mapping[Monomial, int]

    def evaluate(self, variables: Mapping[str, Any]) -> int:
        """The cost with these variables."""
        total = 0
        for multipliers, number in self.terms.items():
            product = number
            for multiplier in multipliers:
                product *= multiplier.value(variables)
            total += product
        return total

    def times(self, factor: int | Multiplier) -> "Cost":
        """The cost of `factor` such items."""
        if isinstance(factor, int):
            return Cost({key: number * factor for key, number in self.terms.items()})
        return Cost({(*key, factor): number for key, number in self.terms.items()})


def add(costs: Iterator[Cost]) -> Cost:
    """The sum of the costs."""
    terms: dict[Monomial, int] = {}
    for cost in costs:
        for key, number in cost.terms.items():
            terms[key] = terms.get(key, 0) + number
    return Cost(terms)


def constant(number: int) -> Cost:
    """A cost that does not depend on variables."""
    return Cost({(): number})


class CostCalculator:
    """Computes the cost of the operations of one valid document; each fragment is visited once."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        """Index the fragments; their costs are computed when they are first spread."""
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._fragment_costs: dict[str, Cost] = {}
        self._defaults: dict[str, int] = {}

    def operation_cost(self, operation: OperationDefinitionNode) -> Cost:
        """The cost of an operation."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None  # noqa: S101 - the document is valid
        self._fragment_costs.clear()
        self._defaults = {
            variable.variable.name.value: _int_value(variable.default_value)
            for variable in operation.variable_definitions or ()
            if isinstance(variable.default_value, IntValueNode)
        }
        cost = self._selections(root, operation.selection_set)
        return add(iter((constant(MUTATION_COST), cost))) if root is self._schema.mutation_type else cost

    def _selections(self, parent: GraphQLCompositeType, selections: SelectionSetNode) -> Cost:
        return add(self._node(parent, node) for node in selections.selections)

    def _node(self, parent: GraphQLCompositeType, node: object) -> Cost:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            inner = self._named(node.type_condition.name.value) if node.type_condition else parent
            return self._selections(inner, node.selection_set)
        assert isinstance(node, FieldNode)  # noqa: S101 - there is no fourth kind of selection
        return self._field(parent, node)

    def _fragment(self, name: str) -> Cost:
        if name not in self._fragment_costs:
            node = self._fragments[name]
            self._fragment_costs[name] = self._selections(
                self._named(node.type_condition.name.value), node.selection_set
            )
        return self._fragment_costs[name]

    def _field(self, parent: GraphQLCompositeType, node: FieldNode) -> Cost:
        name = node.name.value
        if name.startswith("__"):
            return constant(1)  # Introspection has limits of its own.
        assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)  # noqa: S101 - a union has no other fields
        field = parent.fields[name]
        if node.selection_set is None:
            return constant(1)
        inner: Any = get_named_type(field.type)
        items = self._selections(inner, node.selection_set).times(self._items(parent, field, node))
        return add(iter((constant(1), items)))

    def _items(
        self, parent: GraphQLObjectType | GraphQLInterfaceType, field: GraphQLField, node: FieldNode
    ) -> int | Multiplier:
        if FIRST in field.args:
            return self._page_size(field, node)
        if not is_list_type(get_nullable_type(field.type)):
            return 1
        if "pageInfo" in parent.fields:
            return 1  # The connection has counted its items.
        strawberry_field = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        return (
            int(strawberry_field.metadata.get(LIST_SIZE, ASSUMED_LIST_SIZE)) if strawberry_field else ASSUMED_LIST_SIZE
        )

    def _page_size(self, field: GraphQLField, node: FieldNode) -> int | Multiplier:
        given = next((argument.value for argument in node.arguments or () if argument.name.value == FIRST), None)
        default = field.args[FIRST].default_value
        default_size = default if type(default) is int else MAX_PAGE_SIZE
        if isinstance(given, VariableNode):
            return Multiplier(given.name.value, self._defaults.get(given.name.value, default_size))
        if isinstance(given, IntValueNode):
            return clamped_page_size(_int_value(given))
        return default_size

    def _named(self, name: str) -> Any:
        return self._schema.type_map[name]
