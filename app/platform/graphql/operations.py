"""Operations of a document: kind, rate-limit class and amount, cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.platform.graphql.cost import Cost, CostCalculator

CREDENTIALS = "credentials"
REFRESH = "refresh"
OPEN_TO_GUESTS = "open_to_guests"
REFERENCE = "reference"


class OperationClass(Enum):
    """The class of an operation for rate limits."""

    READS = "reads"
    WRITES = "writes"
    CREDENTIALS = "credentials"
    REFRESHES = "refreshes"


# Each of these asks the payment gateway about a card, so stolen card numbers could be tested here.
CARD_CHECKING_MUTATIONS = frozenset({"addPaymentMethod", "createPaymentSession"})
# Arguments of queries that may hold a password.
TYPED_ARGUMENTS = {"registrationForm": "values"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `amount` is how often it does what its class says: thirty aliased logins are thirty attempts. `card_checks` is how
    often it asks the payment gateway about a card, in addition. `open_to_guests`: every root field is one that a guest
    may use, with an answer that does not depend on the caller. `is_reference`: every root field is reference data.
    `is_post_only`: it carries what people typed.
    """

    kind: str
    operation_class: OperationClass
    amount: int
    cost: Cost
    card_checks: int = 0
    open_to_guests: bool = False
    is_reference: bool = False
    is_post_only: bool = False


def operations(schema: GraphQLSchema, document: DocumentNode) -> dict[str | None, Operation]:
    """The operations of a valid document by their names."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    costs = CostCalculator(schema, document)
    return {
        node.name.value if node.name else None: _operation(schema, node, fragments, costs.operation_cost(node))
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    }


def _operation(
    schema: GraphQLSchema,
    node: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    cost: Cost,
) -> Operation:
    kind = node.operation.value
    nodes = list(_root_fields(node.selection_set, fragments, set()))
    # Fields with the same response name are one field (GraphQL, section 5.3.2).
    fields = {(field.alias or field.name).value: field.name.value for field in nodes}
    root = schema.get_root_type(node.operation)
    open_to_guests = root is not None and all(
        name.startswith("__") or _metadata(root, name, OPEN_TO_GUESTS) for name in fields.values()
    )
    if node.operation is not OperationType.MUTATION or root is None:
        is_reference = root is not None and all(_metadata(root, name, REFERENCE) for name in fields.values())
        return Operation(
            kind,
            OperationClass.READS,
            1,
            cost,
            open_to_guests=open_to_guests,
            is_reference=is_reference,
            is_post_only=any(_has_typed_argument(field) for field in nodes),
        )
    refreshes = sum(_metadata(root, name, REFRESH) for name in fields.values())
    attempts = sum(_metadata(root, name, CREDENTIALS) for name in fields.values()) - refreshes
    card_checks = sum(name in CARD_CHECKING_MUTATIONS for name in fields.values())
    operation_class = OperationClass.CREDENTIALS if attempts else OperationClass.WRITES
    if refreshes and refreshes == len(fields):
        operation_class = OperationClass.REFRESHES
    return Operation(kind, operation_class, attempts or len(fields), cost, card_checks, open_to_guests)


def _has_typed_argument(field: FieldNode) -> bool:
    typed = TYPED_ARGUMENTS.get(field.name.value)
    return any(argument.name.value == typed for argument in field.arguments or ())


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            yield from _root_fields(fragments[node.name.value].selection_set, fragments, seen)


def _metadata(root: GraphQLObjectType, name: str, key: str) -> bool:
    field = root.fields.get(name)
    strawberry_field = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if field else None
    return bool(strawberry_field and strawberry_field.metadata.get(key))
