"""The part of the schema that storefronts use: what guests and customers may read, call and send."""

from graphql import (
    REMOVE,
    DefinitionNode,
    DirectiveDefinitionNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    NamedTypeNode,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    Visitor,
    parse,
    print_ast,
    value_from_ast_untyped,
    visit,
)

from app.platform.principal import CallerKind
from app.server.schema import sdl

STOREFRONT_CALLERS = {CallerKind.GUEST.name, CallerKind.CUSTOMER.name}
ROOTS = ("Query", "Mutation")


def storefront_sdl() -> str:
    """The content of `schema.storefront.graphql`: the schema without what is for the back office.

    Types that only the back office reaches go, too: an implementation of `Node` stays when another field leads to it,
    those of `UserError` stay all.
    """
    document = visit(parse(sdl(), no_location=True), _WithoutBackOffice())
    used = _used_types(document.definitions)
    definitions = [one for one in document.definitions if _name(one) in used or isinstance(one, SchemaDefinitionNode)]
    return "\n\n".join(print_ast(one) for one in definitions) + "\n"


class _WithoutBackOffice(Visitor):
    """Removes the fields and arguments that no guest and no customer may use."""

    def leave_field_definition(self, node: FieldDefinitionNode, *_: object) -> object:
        return None if _is_for_storefronts(node) else REMOVE

    def leave_input_value_definition(self, node: InputValueDefinitionNode, *_: object) -> object:
        return None if _is_for_storefronts(node) else REMOVE


def _is_for_storefronts(node: FieldDefinitionNode | InputValueDefinitionNode) -> bool:
    arguments = [one.arguments for one in node.directives or () if one.name.value == "access"]
    callers = [value_from_ast_untyped(callers.value) for (callers, *_) in filter(None, arguments)]
    return not callers or any(not STOREFRONT_CALLERS.isdisjoint(kinds) for kinds in callers)


def _used_types(definitions: tuple[DefinitionNode, ...]) -> set[str]:
    """The names of the types and directives that the root fields lead to."""
    by_name = {_name(one): one for one in definitions}
    errors = [
        name
        for name, one in by_name.items()
        if isinstance(one, ObjectTypeDefinitionNode)
        and "UserError" in {base.name.value for base in one.interfaces or ()}
    ]
    directives = [name for name, one in by_name.items() if isinstance(one, DirectiveDefinitionNode)]
    used: set[str] = set()
    waiting = [*ROOTS, *errors, *directives]
    while waiting:
        name = waiting.pop()
        if name not in used and name in by_name:
            used.add(name)
            waiting += _mentioned(by_name[name])
    return used


def _mentioned(definition: DefinitionNode) -> list[str]:
    names: list[str] = []

    class Names(Visitor):
        def enter_named_type(self, node: NamedTypeNode, *_: object) -> None:
            names.append(node.name.value)

    visit(definition, Names())
    return names


def _name(definition: DefinitionNode) -> str:
    if isinstance(definition, DirectiveDefinitionNode):
        return f"@{definition.name.value}"
    assert isinstance(definition, TypeDefinitionNode | SchemaDefinitionNode)  # noqa: S101 - nothing else is in an SDL
    return "" if isinstance(definition, SchemaDefinitionNode) else definition.name.value
