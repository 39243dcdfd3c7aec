"""Access rules: who may use a field. Declared at the field, checked before it runs, and part of the schema."""

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from graphql import GraphQLError
from strawberry.schema_directive import Location

from app.platform.principal import CallerKind, Principal, Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """One kind of caller that a field admits, with the scope it needs."""

    kind: CallerKind
    scope: Scope | None = None

    def admits(self, principal: Principal) -> bool:
        """Whether the principal is of this kind and has the scope."""
        return principal.kind is self.kind and (self.scope is None or self.scope in principal.scopes)

    def __str__(self) -> str:
        """The kind and the scope as the schema's documentation writes them."""
        names = {
            CallerKind.GUEST: "guests",
            CallerKind.CUSTOMER: "customers",
            CallerKind.INTEGRATION: "integrations",
            CallerKind.STAFF: "integrations on behalf of a staff member",
        }
        return names[self.kind] + (f" with `{self.scope.value}`" if self.scope else "")


GUEST = Caller(CallerKind.GUEST)
CUSTOMER = Caller(CallerKind.CUSTOMER)
Access = Sequence[Caller]


def staff(scope: Scope) -> Caller:
    """Only an integration that acts on behalf of a staff member, and has the scope."""
    return Caller(CallerKind.STAFF, scope)


def back_office(scope: Scope) -> tuple[Caller, Caller]:
    """Integrations with the scope, whether for themselves or on behalf of a staff member."""
    return Caller(CallerKind.INTEGRATION, scope), Caller(CallerKind.STAFF, scope)


ANYBODY: Access = (GUEST, CUSTOMER, Caller(CallerKind.INTEGRATION), Caller(CallerKind.STAFF))


BACK_OFFICE: Access = (Caller(CallerKind.INTEGRATION), Caller(CallerKind.STAFF))


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION, Location.ARGUMENT_DEFINITION],
    name="access",
    repeatable=True,
    description="Who may use a field: callers of one of these kinds. Where it stands several times, one of them is "
    "enough. A field without it may be used by whoever can reach it.",
)
class AccessDirective:
    """`@access`, from which `schema.storefront.graphql` is made, and other tools can tell what a caller may do."""

    callers: list[CallerKind] = strawberry.field(description="The kinds of callers.")
    scope: Scope | None = strawberry.field(default=strawberry.UNSET, description="The scope that they need.")


def access_directives(access: Access) -> list[AccessDirective]:
    """`access` as directives of a field: one for each scope."""
    kinds: dict[Scope | None, list[CallerKind]] = {}
    for caller in access:
        kinds.setdefault(caller.scope, []).append(caller.kind)
    return [
        AccessDirective(callers=callers, scope=scope) if scope else AccessDirective(callers=callers)
        for scope, callers in kinds.items()
    ]


def with_access_note(description: str, access: Access) -> str:
    """The description of a field, followed by the sentence that says who may use it."""
    callers = "anybody" if access is ANYBODY else ", ".join(str(caller) for caller in access)
    return f"{description}\n\nMay be used by: {callers}."


def admits(principal: Principal, access: Access) -> bool:
    """Whether the caller is one of those in `access`."""
    return any(caller.admits(principal) for caller in access)


def authorize(principal: Principal, access: Access) -> None:
    """Raise a top-level error unless the caller is one of those in `access`.

    The code is `UNAUTHENTICATED` for a guest, `FORBIDDEN` for anybody else.
    """
    if admits(principal, access):
        return
    if principal.kind is CallerKind.GUEST:
        message = "Log in first and send the access token as `Authorization: Bearer …`."
        raise top_level_error("UNAUTHENTICATED", message, reason="MISSING")
    raise top_level_error("FORBIDDEN", "This caller may not use this field.")


def top_level_error(code: str, message: str, **extensions: object) -> GraphQLError:
    """A top-level error with a stable `extensions.code`."""
    return GraphQLError(message, extensions={"code": code, **extensions})
