"""How a plan gets at the value of a field: an attribute, a function of ours, or whatever the library makes of it."""

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

Call = Callable[[Any, Any, VariableValues], Any]
"""The value of a field, or the promise of it, for a source, a context and variables."""


def attribute(declared: GraphQLField) -> str | None:
    """The name of the attribute that a field shows as it is; None when a function answers it."""
    shown = _declaration(declared)
    if shown is not None and shown.is_basic_field and shown.default_resolver is getattr:
        return shown.python_name
    return None


def call(declared: GraphQLField, nodes: list[FieldNode], info: GraphQLResolveInfo[Any]) -> Call:
    """How to call the function of a field.

    One that takes no arguments is called as it stands: the library would work out again each time that it takes none.
    """
    shown = _declaration(declared)
    if shown is not None and shown.base_resolver is not None and not shown.extensions:
        function: Any = shown.base_resolver.wrapped_func
        takes = list(shown.base_resolver.signature.parameters)
        if takes == ["self"]:
            return lambda source, _, __: function(source)
        if takes == ["self", "info"]:
            return lambda source, context, variables: function(
                source, Info(_raw_info=info._replace(variable_values=variables, context=context), _field=shown)
            )
    return _library_call(declared, nodes, info)


def _library_call(declared: GraphQLField, nodes: list[FieldNode], info: GraphQLResolveInfo[Any]) -> Call:
    resolve = declared.resolve
    assert resolve is not None  # noqa: S101 - strawberry gives every field one

    def called(source: object, context: object, variables: VariableValues) -> Any:
        arguments = get_argument_values(declared, nodes[0], variables) if declared.args else {}
        return resolve(source, info._replace(variable_values=variables, context=context), **arguments)

    return called


def told(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    parent: GraphQLObjectType,
    nodes: list[FieldNode],
) -> GraphQLResolveInfo[Any]:
    """What a function is told of its field, but for what each run adds; its `path` names the field alone."""
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


def _declaration(declared: GraphQLField) -> StrawberryField | None:
    shown = declared.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return shown if isinstance(shown, StrawberryField) else None
