"""GraphQL types, queries and mutations of API clients."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.clients import lifecycle
from app.accounts.organizations.public_keys import split_pem
from app.accounts.organizations.service import ClientKind
from app.accounts.organizations.tables import ApiClient as Row
from app.platform.audit.log import Action, record
from app.platform.graphql import ids
from app.platform.graphql.access import back_office
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.graphql.ids import Node
from app.platform.principal import Scope

describe(
    ClientKind,
    "What an API client can keep to itself.",
    PUBLISHABLE="A storefront in a browser: its key may be seen by everybody.",
    CONFIDENTIAL="A system of the shop, which keeps a secret.",
)
describe(
    Scope,
    "What an integration may be allowed to do.",
    CUSTOMERS_READ="Read customers and all that they own.",
    CUSTOMERS_WRITE="Create, change and delete customers and what they own.",
    ORDERS_WRITE="Record orders.",
    GROUPS_WRITE="Keep groups and markets.",
    PRIVACY_WRITE="Have customers forgotten, on behalf of a staff member.",
    AUDIT_READ="Read the audit log.",
    ORGANIZATION_WRITE="Keep the organization's settings, staff and API clients.",
)
BACK_OFFICE = back_office(Scope.ORGANIZATION_WRITE)


@strawberry.type(description="A storefront or an integration of the organization.")
class ApiClient(Node):
    """GraphQL type of an API client, without its secret."""

    client_id: str = strawberry.field(description="What OAuth calls `client_id`.")
    kind: ClientKind = strawberry.field(description="Whether it can keep a secret.")
    name: str = strawberry.field(description="What it is called.")
    scopes: list[Scope] = strawberry.field(description="What it may do at most.")
    public_keys: list[str] = strawberry.field(description="The keys (PEM) that verify its assertions.")
    created_at: datetime = strawberry.field(description="When it was created.")
    last_used_at: datetime | None = strawberry.field(description="When it was used last, to the minute.")
    previous_key_until: datetime | None = strawberry.field(
        description="How long the key or secret before the present one is accepted; null when it is not."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")


async def load_api_client(context: Context, client_id: UUID) -> ApiClient | None:
    """The client with this id in the caller's organization; None if there is none."""
    async with context.store.database.transaction() as session:
        row = await session.get(Row, client_id)
        return graphql_api_client(row) if row and row.organization_id == context.organization.id else None


def graphql_api_client(row: Row) -> ApiClient:
    """The GraphQL object of a client."""
    return ApiClient(
        id=ids.encode("ApiClient", row.id),
        client_id=str(row.id),
        kind=ClientKind(row.kind),
        name=row.name,
        scopes=[Scope(scope) for scope in row.scopes.split()],
        public_keys=split_pem(row.public_key or ""),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        previous_key_until=row.previous_key_until,
        revoked_at=row.revoked_at,
    )


@strawberry.input(description="A new client.")
class CreateApiClientInput:
    """What `createApiClient` needs."""

    kind: ClientKind = strawberry.field(description="Whether it can keep a secret.")
    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")
    scopes: list[Scope] = strawberry.field(
        description="What it may do: no more than you may. None for a publishable client.", default_factory=list
    )
    public_keys: list[str] = strawberry.field(
        description="At most 3 keys (PEM; Ed25519, P-256, or RSA from 2,048 bits) that verify its assertions.",
        default_factory=list,
    )


@strawberry.type(description="The new client and its key, which is shown this once.")
class CreateApiClientPayload(Payload):
    """Answer of `createApiClient`."""

    api_client: ApiClient | None = strawberry.field(description="The client.", default=None)
    secret: str | None = strawberry.field(
        description="The publishable key or the client secret; stored as a keyed hash, so never shown again.",
        default=None,
    )


@strawberry.input(description="The client that gets a new key or secret.")
class RotateApiClientSecretInput:
    """What `rotateApiClientSecret` needs."""

    id: strawberry.ID = strawberry.field(description="Which client.")
    overlap_hours: int = strawberry.field(
        description="For how many hours the present one is accepted beside the new one, 0 to 168.", default=24
    )


@strawberry.type(description="The client and its new key, which is shown this once.")
class RotateApiClientSecretPayload(Payload):
    """Answer of `rotateApiClientSecret`."""

    api_client: ApiClient | None = strawberry.field(description="The client.", default=None)
    secret: str | None = strawberry.field(description="The new key or secret.", default=None)


@strawberry.input(description="The client to end.")
class RevokeApiClientInput:
    """What `revokeApiClient` needs."""

    id: strawberry.ID = strawberry.field(description="Which client.")


@strawberry.type(description="The client that was ended.")
class RevokeApiClientPayload(Payload):
    """Answer of `revokeApiClient`."""

    api_client: ApiClient | None = strawberry.field(description="The client.", default=None)


@strawberry.type
class ApiClientQueries:
    """Queries of API clients."""

    @query(allow=BACK_OFFICE, description="The organization's API clients, oldest first, revoked ones too.")
    async def api_clients(self, context: Context) -> list[ApiClient]:
        """Never contains a secret or the hash of one."""
        async with context.store.database.transaction() as session:
            rows = await lifecycle.by_organization(session, organization_id=context.organization.id)
        return [graphql_api_client(row) for row in rows]


@strawberry.type
class ApiClientMutations:
    """Mutations of API clients."""

    @mutation(allow=BACK_OFFICE, description="Create an API client. Its key or secret is shown this once.")
    async def create_api_client(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CreateApiClientInput, strawberry.argument(description="The client.")],
    ) -> CreateApiClientPayload:
        """The client gets no scope that its creator does not have."""
        created = await lifecycle.create(
            session,
            context.store.vault,
            principal=context.principal,
            kind=input.kind,
            name=input.name,
            scopes=frozenset(input.scopes),
            keys=input.public_keys,
        )
        await session.flush()
        row = await session.get_one(Row, created.id)
        record(session, context.origin, Action.CLIENT_CREATED, object_id=created.id)
        return CreateApiClientPayload(api_client=graphql_api_client(row), secret=created.key)

    @mutation(
        allow=BACK_OFFICE,
        description="Give a client a new key or secret. The present one is accepted for some hours more, so that "
        "nothing stands still while it is exchanged.",
    )
    async def rotate_api_client_secret(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RotateApiClientSecretInput, strawberry.argument(description="The client.")],
    ) -> RotateApiClientSecretPayload:
        """Issued tokens stay valid."""
        row, key = await lifecycle.rotate(
            session,
            context.store.vault,
            principal=context.principal,
            client_id=ids.decode("ApiClient", input.id),
            overlap_hours=input.overlap_hours,
        )
        record(session, context.origin, Action.CLIENT_ROTATED, object_id=row.id)
        return RotateApiClientSecretPayload(api_client=graphql_api_client(row), secret=key)

    @mutation(
        allow=BACK_OFFICE,
        description="End a client for good: its key, its secret and all tokens got with them are dead at once.",
    )
    async def revoke_api_client(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RevokeApiClientInput, strawberry.argument(description="The client.")],
    ) -> RevokeApiClientPayload:
        """A client may revoke itself."""
        row = await lifecycle.revoke(session, principal=context.principal, client_id=ids.decode("ApiClient", input.id))
        record(session, context.origin, Action.CLIENT_REVOKED, object_id=row.id)
        return RevokeApiClientPayload(api_client=graphql_api_client(row))
