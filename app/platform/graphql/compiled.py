"""Answers queries by a plan that is made once for each document, instead of walking the document every time.

The general executor asks anew for every value what the schema says of it, which costs more than the databases do. A
plan knows all of that beforehand. It covers what hot reads are made of: objects, lists, leaves, attributes, resolvers,
arguments, fragments. What it does not know, and every failure, is left to the general executor, which answers in the
words of the specification; `tests/platform/graphql/test_compiled.py` holds the one against the other.
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

from app.platform.graphql.calls import Call, attribute, call, told

# Values of exactly these Python types are answered as they are.
AS_THEY_ARE = ((GraphQLString, str), (GraphQLID, str), (GraphQLBoolean, bool))
TYPENAME = "__typename"

Complete = Callable[[Any, "_Run"], Any]
"""Makes what is answered out of a value that a resolver or an attribute gave."""


class Unplanned(Exception):
    """The general executor has to answer this."""


class _Waiting(NamedTuple):
    """A value that is not there yet, and the place in the answer where it belongs."""

    value: Awaitable[Any]
    complete: Complete
    answer: dict[str, Any]
    key: str


@dataclass(slots=True)
class _Run:
    """One execution of a plan."""

    context: Any
    variables: VariableValues
    waiting: list[_Waiting] = field(default_factory=list)

    async def settle(self) -> None:
        """Wait for all values of a level together: they share their database queries."""
        settled, self.waiting = self.waiting, []
        if len(settled) == 1:
            values = [await settled[0].value]
        else:
            values = await asyncio.gather(*(one.value for one in settled), return_exceptions=True)
            for value in values:
                if isinstance(value, BaseException):
                    raise value
        for one, value in zip(settled, values, strict=True):
            one.answer[one.key] = one.complete(value, self)

    def abandon(self) -> None:
        """Close what nobody will wait for any more."""
        for one in self.waiting:
            if iscoroutine(one.value):
                one.value.close()


@dataclass(frozen=True, slots=True)
class Plan:
    """How to answer one query."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    root: Complete

    async def answer(self, *, variables: Mapping[str, Any], context: object) -> dict[str, Any]:
        """The `data` of the response; on any exception nothing was decided, and the general executor has to run."""
        coerced = get_variable_values(self.schema, self.operation.variable_definitions or (), dict(variables))
        if not isinstance(coerced, VariableValues):
            raise Unplanned
        run = _Run(context, coerced)
        try:
            answer: dict[str, Any] = self.root(None, run)
            while run.waiting:
                await run.settle()
        finally:
            run.abandon()
        return answer


def plan(schema: GraphQLSchema, document: DocumentNode, operation: str | None) -> Plan | None:
    """The plan of a validated query; None for what plans do not know, such as mutations, directives, interfaces."""
    try:
        return _Planner(schema, document).plan(operation)
    except Unplanned:
        return None


class _Planner:
    """Makes one plan."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        definitions = document.definitions
        self._fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
        self._operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]

    def plan(self, name: str | None) -> Plan:
        chosen = [one for one in self._operations if name is None or (one.name and one.name.value == name)]
        if len(chosen) != 1 or chosen[0].operation is not OperationType.QUERY or chosen[0].directives:
            raise Unplanned
        self._operation = chosen[0]
        query = self._schema.query_type
        if query is None:
            raise Unplanned
        return Plan(self._schema, self._operation, self._fields(query, [self._operation.selection_set]))

    def _complete(self, type_: GraphQLOutputType, nodes: list[FieldNode], *, required: bool = False) -> Complete:
        if is_non_null_type(type_):
            return self._complete(type_.of_type, nodes, required=True)
        if is_list_type(type_):
            return _list(self._complete(type_.of_type, nodes), required=required)
        if is_leaf_type(type_):
            return _leaf(type_, required=required)
        if is_object_type(type_):
            fields = self._fields(type_, [node.selection_set for node in nodes])
            return _object(type_, fields, required=required)
        raise Unplanned

    def _fields(self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode | None]) -> Complete:
        collected: dict[str, list[FieldNode]] = {}
        for selection in selections:
            self._collect(type_, selection, collected)
        # A copy of it is filled, so that late answers stand where they were asked for.
        unfilled = dict.fromkeys(collected)
        attributes: list[tuple[str, Callable[[Any], Any], Complete]] = []
        calls: list[tuple[str, Call, Complete]] = []
        for key, nodes in collected.items():
            name = nodes[0].name.value
            if name == TYPENAME:
                unfilled[key] = type_.name
                continue
            declared = type_.fields.get(name)
            if declared is None:
                raise Unplanned
            complete = self._complete(declared.type, nodes)
            shown = attribute(declared)
            if shown:
                attributes.append((key, attrgetter(shown), complete))
            else:
                info = told(self._schema, self._operation, self._fragments, type_, nodes)
                calls.append((key, call(declared, nodes, info), complete))

        def answer(value: Any, run: _Run) -> dict[str, Any]:
            filled: dict[str, Any] = unfilled.copy()
            for key, read, complete in attributes:
                filled[key] = complete(read(value), run)
            for key, ask, complete in calls:
                found = ask(value, run.context, run.variables)
                if optimized_is_awaitable(found):
                    run.waiting.append(_Waiting(found, complete, filled, key))
                else:
                    filled[key] = complete(found, run)
            return filled

        return answer

    def _collect(
        self, type_: GraphQLObjectType, selection: SelectionSetNode | None, collected: dict[str, list[FieldNode]]
    ) -> None:
        """The fields of an object by the names they are answered under (section 6.3.2 of the specification)."""
        for node in selection.selections if selection else ():
            if node.directives:
                raise Unplanned
            if isinstance(node, FieldNode):
                collected.setdefault((node.alias or node.name).value, []).append(node)
                continue
            part = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(part, FragmentDefinitionNode | InlineFragmentNode)  # noqa: S101 - there is nothing else
            if part.directives:
                raise Unplanned
            if self._applies(part.type_condition, type_):
                self._collect(type_, part.selection_set, collected)

    def _applies(self, condition: NamedTypeNode | None, type_: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named = self._schema.get_type(condition.name.value)
        return is_abstract_type(named) and self._schema.is_sub_type(named, type_)


def _object(type_: GraphQLObjectType, fields: Complete, *, required: bool) -> Complete:
    fits = type_.is_type_of

    def complete(value: Any, run: _Run) -> Any:
        if value is None:
            return _absent(required=required)
        if fits is not None and fits(value, None) is not True:  # type: ignore[arg-type] # strawberry's need no info
            raise Unplanned
        return fields(value, run)

    return complete


def _list(inner: Complete, *, required: bool) -> Complete:
    def complete(value: Any, run: _Run) -> Any:
        if value is None:
            return _absent(required=required)
        if not isinstance(value, list):
            raise Unplanned
        return [inner(one, run) for one in value]

    return complete


def _leaf(type_: GraphQLLeafType, *, required: bool) -> Complete:
    as_it_is = next((python for leaf, python in AS_THEY_ARE if leaf is type_), None)

    def complete(value: Any, _: _Run) -> Any:
        if type(value) is as_it_is:
            return value
        if value is None:
            return _absent(required=required)
        coerced = type_.coerce_output_value(value)
        if coerced is None or coerced is Undefined:
            raise Unplanned
        return coerced

    return complete


def _absent(*, required: bool) -> None:
    """A null where null may be; elsewhere the general executor decides how far up it goes."""
    if required:
        raise Unplanned
