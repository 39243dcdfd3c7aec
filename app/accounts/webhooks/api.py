"""GraphQL queries and mutations of webhooks."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.webhooks import deliveries, endpoints
from app.accounts.webhooks.deliveries import DeliveryState, row_of
from app.accounts.webhooks.endpoints import Secrets
from app.accounts.webhooks.inputs import (
    CreateWebhookEndpointInput,
    CreateWebhookEndpointPayload,
    DeleteWebhookEndpointInput,
    DeleteWebhookEndpointPayload,
    DeliveryId,
    ReplayWebhookDeliveriesInput,
    ReplayWebhookDeliveriesPayload,
    ReplayWebhookDeliveryPayload,
    RotateWebhookSecretInput,
    RotateWebhookSecretPayload,
    SendTestWebhookInput,
    SendTestWebhookPayload,
    UpdateWebhookEndpointInput,
    UpdateWebhookEndpointPayload,
)
from app.accounts.webhooks.messages import TEST
from app.accounts.webhooks.signatures import Signing
from app.accounts.webhooks.types import (
    DELIVERY,
    ENDPOINT,
    WebhookDelivery,
    WebhookEndpoint,
    to_delivery,
    to_endpoint,
)
from app.platform.audit.log import Action, record
from app.platform.clock import now
from app.platform.errors import NotFound
from app.platform.graphql import ids
from app.platform.graphql.access import back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import mutation, query
from app.platform.graphql.pagination import Connection, connection, page_request
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import iso_datetime
from app.platform.webhooks.events import Announcement
from app.platform.webhooks.tables import WebhookEndpoint as EndpointRow

BACK_OFFICE = back_office(Scope.ORGANIZATION_WRITE)
PAGES = "webhook-deliveries"


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """Whether endpoints may lie on this machine or in its network: in development."""

    allow_private: bool


async def load_endpoint(context: Context, endpoint_id: UUID) -> WebhookEndpoint | None:
    """The endpoint with this id in the caller's organization; None if there is none."""
    async with context.store.database.transaction() as session:
        row = await endpoints.by_id(session, organization_id=context.organization.id, endpoint_id=endpoint_id)
    return (await _shown(context, [row]))[0] if row else None


async def load_delivery(context: Context, owner_id: UUID, delivery_id: UUID) -> WebhookDelivery | None:
    """The delivery with this id in the caller's organization; None if there is none."""
    row = await deliveries.by_id(
        context.store, organization_id=context.organization.id, owner_id=owner_id, delivery_id=delivery_id
    )
    return to_delivery(row) if row else None


async def _shown(context: Context, rows: list[EndpointRow]) -> list[WebhookEndpoint]:
    """Public keys are made of the secrets."""
    ciphers = await context.store.vault.ciphers([row.id for row in rows])
    return [
        to_endpoint(
            row,
            ciphers[row.id].open_as(Secrets, endpoints.TABLE, row.id, row.secrets) if row.id in ciphers else None,
        )
        for row in rows
    ]


def _shared(signing: str, secret: str) -> str | None:
    """The secret for the receiver: none where a public key is enough."""
    return secret if Signing(signing) is Signing.HMAC_SHA256 else None


@strawberry.type
class WebhookQueries:
    """Queries of webhooks."""

    @query(allow=BACK_OFFICE, description="The organization's webhook endpoints, oldest first.")
    async def webhook_endpoints(self, context: Context) -> list[WebhookEndpoint]:
        """At most 20."""
        async with context.store.database.transaction() as session:
            rows = await endpoints.of_organization(session, organization_id=context.organization.id)
        return await _shown(context, list(rows))

    @query(
        allow=BACK_OFFICE,
        description="What an endpoint has been sent, newest first; kept for 30 days after it was settled. "
        "Null when there is no such endpoint.",
    )
    async def webhook_deliveries(
        self,
        context: Context,
        endpoint_id: Annotated[strawberry.ID, strawberry.argument(description="Which endpoint.")],
        status: Annotated[DeliveryState | None, strawberry.argument(description="Only those with this status.")] = None,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
    ) -> Connection[WebhookDelivery] | None:
        """Keyset pagination over an index of the endpoint."""
        page = page_request(context, f"{PAGES}:{endpoint_id}", first, after)
        store, organization_id = context.store, context.organization.id
        try:
            key = ids.decode(ENDPOINT, endpoint_id)
        except NotFound:
            return None
        if await load_endpoint(context, key) is None:
            return None
        found = await deliveries.page(
            store,
            organization_id=organization_id,
            endpoint_id=key,
            state=status,
            before=UUID(hex=page.after[0]) if page.after else None,
            limit=page.size + 1,
        )
        return connection(
            context,
            f"{PAGES}:{endpoint_id}",
            page,
            [((row.id.hex,), to_delivery(row)) for row in found],
            lambda: deliveries.count(store, organization_id=organization_id, endpoint_id=key, state=status),
        )


@strawberry.type
class WebhookMutations:
    """Mutations of webhooks."""

    @mutation(
        allow=BACK_OFFICE,
        description="Create a webhook endpoint: what happens from now on is posted to it, signed as Standard Webhooks "
        "says. Its secret is shown this once.",
    )
    async def create_webhook_endpoint(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CreateWebhookEndpointInput, strawberry.argument(description="The endpoint.")],
    ) -> CreateWebhookEndpointPayload:
        """The address is looked at when a message is sent: a name may lead elsewhere by then."""
        row, secret = await endpoints.create(
            session,
            context.store.vault,
            organization_id=context.organization.id,
            url=input.url,
            events=input.events,
            signing=input.signing,
            allow_private=context.services.get(WebhookPolicy).allow_private,
        )
        record(session, context.origin, Action.WEBHOOK_ENDPOINT_CREATED, object_id=row.id)
        return CreateWebhookEndpointPayload(
            endpoint=to_endpoint(row, Secrets(secret)), secret=_shared(row.signing, secret)
        )

    @mutation(
        allow=BACK_OFFICE,
        description="Change where an endpoint is, what it subscribes to, or whether it receives anything. While it is "
        "switched off nothing is kept for it.",
    )
    async def update_webhook_endpoint(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[UpdateWebhookEndpointInput, strawberry.argument(description="The changes.")],
    ) -> UpdateWebhookEndpointPayload:
        """An endpoint that was switched off by itself is switched on by `enabled: true`."""
        row = await endpoints.change(
            session,
            organization_id=context.organization.id,
            endpoint_id=ids.decode(ENDPOINT, input.id),
            url=input.url,
            events=input.events,
            enabled=input.enabled,
            allow_private=context.services.get(WebhookPolicy).allow_private,
        )
        changed = [name for name in ("url", "events", "enabled") if getattr(input, name) is not None]
        record(session, context.origin, Action.WEBHOOK_ENDPOINT_UPDATED, object_id=row.id, fields=changed)
        return UpdateWebhookEndpointPayload(endpoint=(await _shown(context, [row]))[0])

    @mutation(
        allow=BACK_OFFICE,
        description="Give an endpoint a new secret. For 24 hours messages are signed with the one before, too.",
    )
    async def rotate_webhook_secret(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RotateWebhookSecretInput, strawberry.argument(description="The endpoint.")],
    ) -> RotateWebhookSecretPayload:
        """Exchanged again within the day, the first of the three counts no more."""
        row, secret = await endpoints.exchange_secret(
            session,
            context.store.vault,
            organization_id=context.organization.id,
            endpoint_id=ids.decode(ENDPOINT, input.id),
        )
        record(session, context.origin, Action.WEBHOOK_SECRET_ROTATED, object_id=row.id)
        return RotateWebhookSecretPayload(
            endpoint=to_endpoint(row, Secrets(secret)), secret=_shared(row.signing, secret)
        )

    @mutation(allow=BACK_OFFICE, description="Delete an endpoint: nothing more is sent to it.")
    async def delete_webhook_endpoint(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[DeleteWebhookEndpointInput, strawberry.argument(description="The endpoint.")],
    ) -> DeleteWebhookEndpointPayload:
        """What waited for it is given up."""
        endpoint_id = ids.decode(ENDPOINT, input.id)
        await endpoints.remove(session, organization_id=context.organization.id, endpoint_id=endpoint_id)
        record(session, context.origin, Action.WEBHOOK_ENDPOINT_DELETED, object_id=endpoint_id)
        return DeleteWebhookEndpointPayload(deleted_webhook_endpoint_id=ids.encode(ENDPOINT, endpoint_id))

    @mutation(
        allow=BACK_OFFICE,
        description="Send an endpoint a test message, whether or not it subscribes to the event. It is signed and "
        "retried like any other; its `data` says `test: true`.",
    )
    async def send_test_webhook(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[SendTestWebhookInput, strawberry.argument(description="The endpoint.")],
    ) -> SendTestWebhookPayload:
        """It is about nobody."""
        organization_id = context.organization.id
        endpoint = await endpoints.lock(
            session, organization_id=organization_id, endpoint_id=ids.decode(ENDPOINT, input.id)
        )
        test = Announcement(
            event=input.event,
            organization_id=organization_id,
            customer_id=None,
            object_id=None,
            fields=[],
            actor_kind=TEST,
            at=now(),
        )
        delivery = deliveries.add(session, endpoint.id, test)
        return SendTestWebhookPayload(delivery=to_delivery(row_of(delivery)))

    @mutation(allow=BACK_OFFICE, description="Send a delivery again, with the same `webhook-id`, whatever came of it.")
    async def replay_webhook_delivery(
        self, context: Context, session: AsyncSession, id: DeliveryId
    ) -> ReplayWebhookDeliveryPayload:
        """One that is pending is due at once."""
        key = ids.decode_owned(DELIVERY, id)
        delivery = await deliveries.replay(
            session, organization_id=context.organization.id, owner_id=key.owner_id, delivery_id=key.row_id
        )
        return ReplayWebhookDeliveryPayload(delivery=to_delivery(row_of(delivery)))

    @mutation(
        allow=BACK_OFFICE,
        description="Send what an endpoint did not take in a time again, oldest first, such as after an outage.",
    )
    async def replay_webhook_deliveries(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[ReplayWebhookDeliveriesInput, strawberry.argument(description="Which.")],
    ) -> ReplayWebhookDeliveriesPayload:
        """Deliveries that FAILED; those that are pending come by themselves."""
        organization_id, validation = context.organization.id, Validation()
        since = validation.require("since", iso_datetime, input.since)
        until = validation.optional("until", iso_datetime, input.until)
        validation.raise_errors()
        endpoint = await endpoints.lock(
            session, organization_id=organization_id, endpoint_id=ids.decode(ENDPOINT, input.endpoint_id, "endpointId")
        )
        replayed = await deliveries.replay_range(
            session,
            context.store,
            organization_id=organization_id,
            endpoint_id=endpoint.id,
            since=since,
            until=until or now(),
        )
        return ReplayWebhookDeliveriesPayload(replayed=replayed)
