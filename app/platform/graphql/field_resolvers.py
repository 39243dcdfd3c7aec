"""Field resolvers of query plans: an attribute, a function called directly, or strawberry's own resolver."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import Path, is_awaitable
from strawberry import Info
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

NO_VARIABLES = VariableValues({}, {})

FieldResolver = Callable[[Any, Any, VariableValues], Any]
"""The value of a field, or the promise of it, for a source, a context and variables."""


def attribute_name(field: GraphQLField) -> str | None:
    """The attribute that a field returns unchanged; None when a function resolves it."""
    strawberry_field = _strawberry_field(field)
    if (
        strawberry_field is not None
        and strawberry_field.is_basic_field
        and strawberry_field.default_resolver is getattr
    ):
        return strawberry_field.python_name
    return None


def field_resolver(field: GraphQLField, nodes: list[FieldNode], info: GraphQLResolveInfo[Any]) -> FieldResolver:
    """A function that resolves the field.

    Our own functions without arguments are called directly: strawberry would compute at every call that there are none.
    """
    strawberry_field = _strawberry_field(field)
    if strawberry_field is not None and strawberry_field.base_resolver is not None and not strawberry_field.extensions:
        resolver: Any = strawberry_field.base_resolver.wrapped_func
        parameters = list(strawberry_field.base_resolver.signature.parameters)
        if parameters == ["self"]:
            return lambda source, _, __: resolver(source)
        if parameters == ["self", "info"]:
            return lambda source, context, variables: resolver(
                source,
                Info(_raw_info=info._replace(variable_values=variables, context=context), _field=strawberry_field),
            )
    return _library_resolver(field, nodes, info)


def _library_resolver(field: GraphQLField, nodes: list[FieldNode], info: GraphQLResolveInfo[Any]) -> FieldResolver:
    resolve = field.resolve
    assert resolve is not None  # noqa: S101 - strawberry gives every field a resolver

    def resolve_field(source: object, context: object, variables: VariableValues) -> Any:
        arguments = get_argument_values(field, nodes[0], variables) if field.args else {}
        return resolve(source, info._replace(variable_values=variables, context=context), **arguments)

    return resolve_field


def resolve_info(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    parent: GraphQLObjectType,
    nodes: list[FieldNode],
) -> GraphQLResolveInfo[Any]:
    """The resolve info of a field without the parts that differ by execution; its `path` names the field alone."""
    name = nodes[0].name.value
    return GraphQLResolveInfo(
        name,
        nodes,
        parent.fields[name].type,
        parent,
        Path(None, (nodes[0].alias or nodes[0].name).value, parent.name),
        schema,
        dict(fragments),
        None,
        operation,
        NO_VARIABLES,
        None,
        is_awaitable,
        None,
        None,  # type: ignore[arg-type] # helpers of the general executor
    )


def _strawberry_field(field: GraphQLField) -> StrawberryField | None:
    strawberry_field = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return strawberry_field if isinstance(strawberry_field, StrawberryField) else None
