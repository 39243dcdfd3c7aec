"""Query plans: compiled execution of hot queries, built once for each document.

The general executor consults the schema again for every value, which costs more than the databases do. A plan has done
that beforehand. It covers objects, lists, leaves, attributes, resolvers, arguments and fragments. Everything else, and
every failure, goes to the general executor, which answers as the specification says;
`tests/platform/graphql/test_query_plans.py` compares the two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import iscoroutine
from operator import attrgetter
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLBoolean,
    GraphQLID,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.execution import optimized_is_awaitable

from app.platform.graphql.field_resolvers import FieldResolver, attribute_name, field_resolver, resolve_info

# Values of exactly these Python types need no serialization.
PASS_THROUGH = ((GraphQLString, str), (GraphQLID, str), (GraphQLBoolean, bool))
TYPENAME = "__typename"

CompleteValue = Callable[[Any, "_Run"], Any]
"""Makes what is answered out of a value that a resolver or an attribute gave."""


class PlanNotApplicable(Exception):
    """The general executor has to answer this query."""


class _PendingValue(NamedTuple):
    """An awaitable value, and where its result belongs in the response."""

    value: Awaitable[Any]
    complete: CompleteValue
    answer: dict[str, Any]
    key: str


@dataclass(slots=True)
class _Run:
    """The state of one execution of a plan."""

    context: Any
    variables: VariableValues
    pending: list[_PendingValue] = field(default_factory=list)

    async def await_pending(self) -> None:
        """Await all values of a level together, so that their data loaders share queries."""
        batch, self.pending = self.pending, []
        if len(batch) == 1:
            values = [await batch[0].value]
        else:
            values = await asyncio.gather(*(pending.value for pending in batch), return_exceptions=True)
            for value in values:
                if isinstance(value, BaseException):
                    raise value
        for pending, value in zip(batch, values, strict=True):
            pending.answer[pending.key] = pending.complete(value, self)

    def close_pending(self) -> None:
        """Close the coroutines that nothing will await any more."""
        for pending in self.pending:
            if iscoroutine(pending.value):
                pending.value.close()


@dataclass(frozen=True, slots=True)
class Plan:
    """The compiled form of one query."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    root: CompleteValue

    async def execute(self, *, variables: Mapping[str, Any], context: object) -> dict[str, Any]:
        """The `data` of the response; after any exception the general executor has to run instead."""
        coerced = get_variable_values(self.schema, self.operation.variable_definitions or (), dict(variables))
        if not isinstance(coerced, VariableValues):
            raise PlanNotApplicable
        run = _Run(context, coerced)
        try:
            answer: dict[str, Any] = self.root(None, run)
            while run.pending:
                await run.await_pending()
        finally:
            run.close_pending()
        return answer


def plan(schema: GraphQLSchema, document: DocumentNode, operation: str | None) -> Plan | None:
    """The plan of a validated query; None for what plans do not support: mutations, directives, interfaces."""
    try:
        return _Planner(schema, document).plan(operation)
    except PlanNotApplicable:
        return None


class _Planner:
    """Builds one plan."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        definitions = document.definitions
        self._fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
        self._operations = [node for node in definitions if isinstance(node, OperationDefinitionNode)]

    def plan(self, name: str | None) -> Plan:
        chosen = [node for node in self._operations if name is None or (node.name and node.name.value == name)]
        if len(chosen) != 1 or chosen[0].operation is not OperationType.QUERY or chosen[0].directives:
            raise PlanNotApplicable
        self._operation = chosen[0]
        query = self._schema.query_type
        if query is None:
            raise PlanNotApplicable
        return Plan(self._schema, self._operation, self._fields(query, [self._operation.selection_set]))

    def _complete(self, type_: GraphQLOutputType, nodes: list[FieldNode], *, required: bool = False) -> CompleteValue:
        if is_non_null_type(type_):
            return self._complete(type_.of_type, nodes, required=True)
        if is_list_type(type_):
            return _list(self._complete(type_.of_type, nodes), required=required)
        if is_leaf_type(type_):
            return _leaf(type_, required=required)
        if is_object_type(type_):
            fields = self._fields(type_, [node.selection_set for node in nodes])
            return _object(type_, fields, required=required)
        raise PlanNotApplicable

    def _fields(self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode | None]) -> CompleteValue:
        collected: dict[str, list[FieldNode]] = {}
        for selection in selections:
            self._collect(type_, selection, collected)
        # Every execution fills a copy, so that awaited values keep their place in the order of the selection.
        template = dict.fromkeys(collected)
        attributes: list[tuple[str, Callable[[Any], Any], CompleteValue]] = []
        resolvers: list[tuple[str, FieldResolver, CompleteValue]] = []
        for key, nodes in collected.items():
            name = nodes[0].name.value
            if name == TYPENAME:
                template[key] = type_.name
                continue
            field_definition = type_.fields.get(name)
            if field_definition is None:
                raise PlanNotApplicable
            complete = self._complete(field_definition.type, nodes)
            python_name = attribute_name(field_definition)
            if python_name:
                attributes.append((key, attrgetter(python_name), complete))
            else:
                info = resolve_info(self._schema, self._operation, self._fragments, type_, nodes)
                resolvers.append((key, field_resolver(field_definition, nodes, info), complete))

        def answer(value: Any, run: _Run) -> dict[str, Any]:
            data: dict[str, Any] = template.copy()
            for key, get_attribute, complete in attributes:
                data[key] = complete(get_attribute(value), run)
            for key, resolve, complete in resolvers:
                result = resolve(value, run.context, run.variables)
                if optimized_is_awaitable(result):
                    run.pending.append(_PendingValue(result, complete, data, key))
                else:
                    data[key] = complete(result, run)
            return data

        return answer

    def _collect(
        self, type_: GraphQLObjectType, selection: SelectionSetNode | None, collected: dict[str, list[FieldNode]]
    ) -> None:
        """Collect the fields of an object by response name (GraphQL specification, section 6.3.2)."""
        for node in selection.selections if selection else ():
            if node.directives:
                raise PlanNotApplicable
            if isinstance(node, FieldNode):
                collected.setdefault((node.alias or node.name).value, []).append(node)
                continue
            part = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(part, FragmentDefinitionNode | InlineFragmentNode)  # noqa: S101 - there is no other kind
            if part.directives:
                raise PlanNotApplicable
            if self._applies(part.type_condition, type_):
                self._collect(type_, part.selection_set, collected)

    def _applies(self, condition: NamedTypeNode | None, type_: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named = self._schema.get_type(condition.name.value)
        return is_abstract_type(named) and self._schema.is_sub_type(named, type_)


def _object(type_: GraphQLObjectType, fields: CompleteValue, *, required: bool) -> CompleteValue:
    is_type_of = type_.is_type_of

    def complete(value: Any, run: _Run) -> Any:
        if value is None:
            return _null(required=required)
        if is_type_of is not None and is_type_of(value, None) is not True:  # type: ignore[arg-type] # strawberry's need no info
            raise PlanNotApplicable
        return fields(value, run)

    return complete


def _list(inner: CompleteValue, *, required: bool) -> CompleteValue:
    def complete(value: Any, run: _Run) -> Any:
        if value is None:
            return _null(required=required)
        if not isinstance(value, list):
            raise PlanNotApplicable
        return [inner(item, run) for item in value]

    return complete


def _leaf(type_: GraphQLLeafType, *, required: bool) -> CompleteValue:
    pass_through_type = next((python for leaf, python in PASS_THROUGH if leaf is type_), None)

    def complete(value: Any, _: _Run) -> Any:
        if type(value) is pass_through_type:
            return value
        if value is None:
            return _null(required=required)
        coerced = type_.coerce_output_value(value)
        if coerced is None or coerced is Undefined:
            raise PlanNotApplicable
        return coerced

    return complete


def _null(*, required: bool) -> None:
    """Null where the type allows it; elsewhere the general executor decides how far up the null propagates."""
    if required:
        raise PlanNotApplicable
