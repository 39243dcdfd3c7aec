"""Inputs and payloads of webhooks' mutations."""

from typing import Annotated

import strawberry

from app.accounts.webhooks.signatures import Signing
from app.accounts.webhooks.types import WebhookDelivery, WebhookEndpoint
from app.platform.graphql.fields import Payload
from app.platform.graphql.scalars import DateTime
from app.platform.webhooks.events import WebhookEvent

ENDPOINT = "Which endpoint."


@strawberry.input(description="A new endpoint.")
class CreateWebhookEndpointInput:
    """Input of `createWebhookEndpoint`."""

    url: str = strawberry.field(description="Where messages are posted: https, a public address.")
    events: list[WebhookEvent] = strawberry.field(description="What it subscribes to: one event at least.")
    signing: Signing = strawberry.field(description="How messages are signed.", default=Signing.HMAC_SHA256)


@strawberry.type(description="The new endpoint and its secret, which is shown this once.")
class CreateWebhookEndpointPayload(Payload):
    """Payload of `createWebhookEndpoint`."""

    endpoint: WebhookEndpoint | None = strawberry.field(description="The endpoint.", default=None)
    secret: str | None = strawberry.field(
        description="`whsec_…`, with which the receiver verifies; null with ED25519, which has a `publicKey`.",
        default=None,
    )


@strawberry.input(description="What changes; what is left away or null stays.")
class UpdateWebhookEndpointInput:
    """Input of `updateWebhookEndpoint`."""

    id: strawberry.ID = strawberry.field(description=ENDPOINT)
    url: str | None = strawberry.field(description="Where messages are posted from now on.", default=None)
    events: list[WebhookEvent] | None = strawberry.field(description="What it subscribes to.", default=None)
    enabled: bool | None = strawberry.field(description="Whether it receives anything.", default=None)


@strawberry.type(description="The endpoint as it is now.")
class UpdateWebhookEndpointPayload(Payload):
    """Payload of `updateWebhookEndpoint`."""

    endpoint: WebhookEndpoint | None = strawberry.field(description="The endpoint.", default=None)


@strawberry.input(description="The endpoint that gets a new secret.")
class RotateWebhookSecretInput:
    """Input of `rotateWebhookSecret`."""

    id: strawberry.ID = strawberry.field(description=ENDPOINT)


@strawberry.type(description="The endpoint and its new secret, which is shown this once.")
class RotateWebhookSecretPayload(Payload):
    """Payload of `rotateWebhookSecret`."""

    endpoint: WebhookEndpoint | None = strawberry.field(description="The endpoint.", default=None)
    secret: str | None = strawberry.field(
        description="The new secret; null with ED25519, whose new `publicKey` counts.", default=None
    )


@strawberry.input(description="The endpoint to delete.")
class DeleteWebhookEndpointInput:
    """Input of `deleteWebhookEndpoint`."""

    id: strawberry.ID = strawberry.field(description=ENDPOINT)


@strawberry.type(description="What was deleted.")
class DeleteWebhookEndpointPayload(Payload):
    """Payload of `deleteWebhookEndpoint`."""

    deleted_webhook_endpoint_id: strawberry.ID | None = strawberry.field(
        description="The id that is no more.", default=None
    )


@strawberry.input(description="The endpoint that gets a test message.")
class SendTestWebhookInput:
    """Input of `sendTestWebhook`."""

    id: strawberry.ID = strawberry.field(description=ENDPOINT)
    event: WebhookEvent = strawberry.field(
        description="Which event it looks like; its ids are of nothing.", default=WebhookEvent.CUSTOMER_UPDATED
    )


@strawberry.type(description="The delivery of the test message.")
class SendTestWebhookPayload(Payload):
    """Payload of `sendTestWebhook`."""

    delivery: WebhookDelivery | None = strawberry.field(description="The delivery, due at once.", default=None)


@strawberry.type(description="The delivery that is sent again.")
class ReplayWebhookDeliveryPayload(Payload):
    """Payload of `replayWebhookDelivery`."""

    delivery: WebhookDelivery | None = strawberry.field(description="The delivery, due at once.", default=None)


@strawberry.input(description="Which failed deliveries are sent again.")
class ReplayWebhookDeliveriesInput:
    """Input of `replayWebhookDeliveries`."""

    endpoint_id: strawberry.ID = strawberry.field(description=ENDPOINT)
    since: DateTime = strawberry.field(description="Of events at this time or later.")
    until: DateTime | None = strawberry.field(description="Of events before this time; left away: now.", default=None)


@strawberry.type(description="How many deliveries are sent again.")
class ReplayWebhookDeliveriesPayload(Payload):
    """Payload of `replayWebhookDeliveries`."""

    replayed: int | None = strawberry.field(
        description="How many, at most 1,000; call again while there are more.", default=None
    )


DeliveryId = Annotated[strawberry.ID, strawberry.argument(description="Which delivery.")]
