"""An operation to start from for every root field of the schema, in groups: what GraphiQL's panel offers.

Those of the contract are taken as they stand. The others are made from the schema: arguments become variables, with the
required inputs filled in by kind, and what is selected are plain values, of the object and of what stands in it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
    parse,
    print_ast,
)
from graphql.language import FieldNode, OperationDefinitionNode
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.platform.graphql.access import AccessDirective
from app.platform.principal import CallerKind
from app.server.graphiql.tabs import EXAMPLES, Group, Tab
from app.server.schema import SCHEMA

ACCOUNT, OWNED, PRIVACY, BACK_OFFICE, ABOUT = "Account", "Owned by the customer", "Privacy", "Back office", "About"
DEEPEST = 2
# What stands where a value is needed, to be typed over.
SAMPLES: Mapping[str, Any] = {"String": "", "ID": "", "Int": 1, "Float": 1.0, "Boolean": False}


@cache
def groups() -> Sequence[Group]:
    """All root fields, each in one group, in the order of their names."""
    known: dict[str, list[Tab]] = {}
    for tab in EXAMPLES:
        for root_field in _root_fields(tab.document):
            known.setdefault(root_field, []).append(tab)
    found: dict[str, list[Tab]] = {name: [] for name in (ACCOUNT, OWNED, PRIVACY, BACK_OFFICE, ABOUT)}
    schema = SCHEMA._schema  # noqa: SLF001 - strawberry has no public name for the schema it built
    for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        for name, field in sorted(root.fields.items() if root else ()):
            found[_group(field)] += known.get(name) or [_example(kind, name, field)]
    return [Group(name, tuple(dict.fromkeys(tabs))) for name, tabs in found.items()]


def _root_fields(document: str) -> Iterator[str]:
    for definition in parse(document).definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield from (one.name.value for one in definition.selection_set.selections if isinstance(one, FieldNode))


def _group(field: GraphQLField) -> str:
    declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    package = declared.base_resolver.wrapped_func.__module__.split(".")[1]
    callers = {kind for one in declared.directives if isinstance(one, AccessDirective) for kind in one.callers}
    if package == "privacy":
        return PRIVACY
    if not callers & {CallerKind.GUEST, CallerKind.CUSTOMER}:
        return BACK_OFFICE
    return {"accounts": ACCOUNT, "customers": OWNED, "identity": OWNED}.get(package, ABOUT)


def _example(kind: str, name: str, field: GraphQLField) -> Tab:
    operation = name[0].upper() + name[1:]
    declared = ", ".join(f"${one}: {argument.type}" for one, argument in field.args.items())
    given = ", ".join(f"{one}: ${one}" for one in field.args)
    head = f"{kind} {operation}({declared})" if declared else f"{kind} {operation}"
    call = f"{name}({given})" if given else name
    document = print_ast(parse(f"{head} {{ {call}{_selection(field.type, 1)} }}"))
    variables = {one: _sample(argument.type) for one, argument in field.args.items() if _is_needed(argument)}
    return Tab(operation, document, json.dumps(variables, indent=2) if variables else "")


def _is_needed(argument: GraphQLArgument) -> bool:
    """Whether it is required, or is the one input of a mutation."""
    return is_required_argument(argument) or is_input_object_type(get_named_type(argument.type))


def _selection(output: GraphQLOutputType, depth: int) -> str:
    """A selection of plain values; `__typename` of what has none, such as an interface."""
    named = get_named_type(output)
    if is_leaf_type(named):
        return ""
    found = list(_fields(named, depth)) if isinstance(named, GraphQLObjectType) else []
    return f" {{ {' '.join(found or ['__typename'])} }}"


def _fields(output: GraphQLObjectType, depth: int) -> Iterator[str]:
    for name, field in output.fields.items():
        named = get_named_type(field.type)
        if any(is_required_argument(one) for one in field.args.values()) or _is_restricted(field):
            continue
        if name == "userErrors":
            yield "userErrors { code field message }"
        elif is_leaf_type(named):
            yield name
        elif is_object_type(named) and depth < DEEPEST:
            yield f"{name}{_selection(field.type, depth + 1)}"


def _is_restricted(field: GraphQLField) -> bool:
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return any(isinstance(one, AccessDirective) for one in declared.directives if declared) if declared else False


def _sample(kind: GraphQLInputType) -> Any:
    if is_non_null_type(kind):
        return _sample(kind.of_type)
    if is_list_type(kind):
        return [_sample(kind.of_type)]
    if isinstance(kind, GraphQLInputObjectType):
        return {name: _sample(one.type) for name, one in kind.fields.items() if is_required_input_field(one)}
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return SAMPLES.get(getattr(kind, "name", ""), "")
