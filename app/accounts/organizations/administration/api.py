"""GraphQL types, queries and mutations for the administration of organizations."""

from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info

from app.accounts.organizations.administration import creation
from app.accounts.organizations.administration.settings import CHOICES, SETTINGS, Setting, apply_changes
from app.accounts.organizations.tables import Organization as Row
from app.accounts.policy import AccountPolicy
from app.platform.audit.log import Action, record
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import ANYBODY, back_office, top_level_error
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import Payload, mutation, query, restricted
from app.platform.graphql.ids import Node
from app.platform.principal import OrganizationSettings, Scope
from app.platform.validation import Validation
from app.platform.values import text_parser

BACK_OFFICE = back_office(Scope.ORGANIZATION_WRITE)


def _choice_enum(setting: Setting) -> type[Enum]:
    name = "".join(part.title() for part in setting.name.split("_"))
    enum = Enum(name, {choice.upper().replace("-", "_"): choice for choice in setting.choices})  # type: ignore[misc] # its members are data
    values = {member: CHOICES[setting.name][one.value] for member, one in enum.__members__.items()}
    describe(enum, setting.description, **values)
    return enum


# The GraphQL types are generated from the fields of `OrganizationSettings`: a new setting needs a description in
# `settings.py` and no change here.
_ENUMS = {setting.name: _choice_enum(setting) for setting in SETTINGS if setting.choices}


def _field_type(setting: Setting) -> Any:
    kind: Any = _ENUMS.get(setting.name, setting.kind)
    return list[kind] if setting.is_list else kind


def _output_field(setting: Setting) -> tuple[str, Any, Any]:
    kind = _field_type(setting)
    return (
        setting.name,
        kind | None if setting.default is None else kind,
        strawberry.field(description=setting.description),
    )


def _input_field(setting: Setting) -> tuple[str, Any, Any]:
    kind: Any = strawberry.Maybe[_field_type(setting) | None]  # type: ignore[misc] # known when the program starts
    return setting.name, kind, strawberry.field(description=setting.description, default=None)


def _make_class(name: str, declared: list[tuple[str, Any, Any]]) -> type:
    body = {field: value for field, _, value in declared}
    return type(name, (), {**body, "__annotations__": {field: kind for field, kind, _ in declared}})


Settings: Any = strawberry.type(
    _make_class("OrganizationSettings", [_output_field(one) for one in SETTINGS]),
    description="How a shop wants its accounts handled.",
)
SettingsInput: Any = strawberry.input(
    _make_class("OrganizationSettingsInput", [_input_field(one) for one in SETTINGS]),
    description="Settings to change: one left away stays, an explicit null takes it back to its default.",
)


def graphql_settings(settings: OrganizationSettings) -> Any:
    """The GraphQL object of the settings."""
    found = {setting.name: getattr(settings, setting.name) for setting in SETTINGS}
    for name, enum in _ENUMS.items():
        found[name] = enum(found[name])
    return Settings(**{name: list(value) if isinstance(value, tuple) else value for name, value in found.items()})


@strawberry.type(description="What a storefront must know to ask the right things: they hold for its customers.")
class AccountRules:
    """The settings of an organization that everybody may know."""

    require_verified_email: bool = strawberry.field(
        description="Whether an email address has to be proven before its account opens."
    )
    require_login_name: bool = strawberry.field(
        description="Whether customers choose a login name when they register, and log in by it alone."
    )
    password_min_length: int = strawberry.field(description="Fewest characters of a new password.")
    terms_url: str | None = strawberry.field(description="Where the terms can be read that have to be agreed to.")
    terms_version: str | None = strawberry.field(description="The present version of the terms.")
    approval: bool = strawberry.field(description="Whether the shop has to approve a new account.")
    keep_last_address: bool = strawberry.field(description="Whether the last address cannot be deleted.")
    api_key_required: bool = strawberry.field(description="Whether every request needs the publishable key.")
    cookie_sessions: bool = strawberry.field(
        description="Whether a login may ask for a cookie instead of tokens, with `X-Session: cookie`."
    )


@strawberry.type(description="The caller's own organization.")
class OwnOrganization(Node):
    """GraphQL type of an organization: its rules for everybody, its settings for its own back office."""

    slug: str = strawberry.field(description="Short name, unique in the service.")
    name: str = strawberry.field(description="Name of the shop.")
    stored: strawberry.Private[OrganizationSettings]

    @restricted(allow=BACK_OFFICE, description="How it wants its accounts handled.")
    def settings(self, info: Info[Context, None]) -> Settings:  # noqa: ARG002 - the form of a resolver
        """All settings."""
        return graphql_settings(self.stored)

    @strawberry.field(description="What holds for its customers, for whoever makes forms.")
    def account_rules(self, info: Info[Context, None]) -> AccountRules:
        """What everybody may know."""
        stored = self.stored
        return AccountRules(
            require_verified_email=stored.require_verified_email,
            require_login_name=stored.require_login_name,
            password_min_length=info.context.services.get(AccountPolicy).password_min_length_for(stored),
            terms_url=stored.terms_url,
            terms_version=stored.terms_version,
            approval=stored.approval,
            keep_last_address=stored.keep_last_address,
            api_key_required=stored.require_api_key,
            cookie_sessions=stored.cookie_sessions,
        )


def graphql_own_organization(row: Row) -> OwnOrganization:
    """The GraphQL object of an organization."""
    return OwnOrganization(
        id=ids.encode("OwnOrganization", row.id),
        slug=row.slug,
        name=row.name,
        stored=OrganizationSettings.from_stored(row.settings),
    )


def caller_organization(context: Context) -> OwnOrganization:
    """The GraphQL object of the caller's organization."""
    organization = context.organization
    return OwnOrganization(
        id=ids.encode("OwnOrganization", organization.id),
        slug=organization.slug,
        name=organization.name,
        stored=organization.settings,
    )


@strawberry.input(description="What to change of the caller's own organization.")
class UpdateOrganizationInput:
    """What `updateOrganization` needs. Omitted fields keep their values."""

    name: str | None = strawberry.field(description="Name of the shop, 1 to 255 characters.", default=None)
    settings: SettingsInput | None = strawberry.field(description="Settings to change.", default=None)


@strawberry.type(description="The changed organization.")
class UpdateOrganizationPayload(Payload):
    """Answer of `updateOrganization`."""

    organization: OwnOrganization | None = strawberry.field(description="As it is now.", default=None)


@strawberry.input(description="A new organization.")
class CreateOrganizationInput:
    """What `createOrganization` needs. The new organization has the default settings."""

    slug: str = strawberry.field(
        description="Short name, unique in the service: 2 to 64 lower-case letters, digits and inner hyphens."
    )
    name: str = strawberry.field(description="Name of the shop, 1 to 255 characters.")


@strawberry.type(description="The new organization, with keys that are shown this once.")
class CreateOrganizationPayload(Payload):
    """Answer of `createOrganization`."""

    organization: OwnOrganization | None = strawberry.field(description="The organization.", default=None)
    publishable_key: str | None = strawberry.field(description="The key of its first storefront.", default=None)
    client_id: str | None = strawberry.field(
        description="The id of its first integration, which has the scopes of the caller's token.", default=None
    )
    client_secret: str | None = strawberry.field(description="The secret of that integration.", default=None)


@strawberry.type
class OwnOrganizationQueries:
    """Queries of the caller's own organization."""

    @query(
        allow=ANYBODY,
        description="The caller's own organization: its rules for everybody, its settings for its back office.",
    )
    async def organization(self, context: Context) -> OwnOrganization:
        """Needs no query of its own: the organization was read together with the principal."""
        return caller_organization(context)


@strawberry.type
class OwnOrganizationMutations:
    """Mutations that change the caller's own organization or create another one."""

    @mutation(
        allow=BACK_OFFICE,
        description="Make another organization. Only the default organization, which operates the installation, may.",
    )
    async def create_organization(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CreateOrganizationInput, strawberry.argument(description="The organization.")],
    ) -> CreateOrganizationPayload:
        """The new organization's integration gets the scopes of the caller, never more."""
        principal = context.principal
        if not await creation.is_default_organization(session, organization_id=principal.organization.id):
            raise top_level_error("FORBIDDEN", "Only the default organization may make others.")
        created = await creation.create(
            session, context.store.vault, slug=input.slug, name=input.name, scopes=principal.scopes
        )
        record(session, context.origin, Action.ORGANIZATION_CREATED, object_id=created.organization.id)
        return CreateOrganizationPayload(
            organization=graphql_own_organization(created.organization),
            publishable_key=created.storefront.key,
            client_id=str(created.integration.id),
            client_secret=created.integration.key,
        )

    @mutation(
        allow=BACK_OFFICE,
        description="Change the name or settings of the caller's own organization; they hold from the next request on.",
    )
    async def update_organization(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[UpdateOrganizationInput, strawberry.argument(description="What to change.")],
    ) -> UpdateOrganizationPayload:
        """Raise `AppErrorGroup`."""
        changes = {
            setting.name: value.value.value if isinstance(value.value, Enum) else value.value
            for setting in SETTINGS
            if input.settings is not None and (value := getattr(input.settings, setting.name)) is not None
        }
        row = await session.get(Row, context.organization.id, with_for_update=True)
        if row is None:
            raise NotFound
        settings = apply_changes(row.settings, changes)
        validation = Validation()
        name = validation.optional("name", text_parser(1, 255), input.name)
        validation.raise_errors()
        names = [one for one in changes if settings.get(one) != row.settings.get(one)]
        row.settings, row.name = settings, name or row.name
        session.add(row)
        record(session, context.origin, Action.ORGANIZATION_UPDATED, object_id=row.id, fields=names)
        return UpdateOrganizationPayload(organization=graphql_own_organization(row))
