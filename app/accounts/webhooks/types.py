"""GraphQL types of webhooks."""

from datetime import datetime

import strawberry

from app.accounts.webhooks import signatures
from app.accounts.webhooks.deliveries import DeliveryRow, DeliveryState
from app.accounts.webhooks.endpoints import DisabledReason, Secrets
from app.accounts.webhooks.signatures import Signing
from app.platform.graphql import ids
from app.platform.graphql.enums import describe
from app.platform.graphql.ids import Node
from app.platform.webhooks.events import WebhookEvent
from app.platform.webhooks.tables import WebhookEndpoint as EndpointRow

ENDPOINT, DELIVERY = "WebhookEndpoint", "WebhookDelivery"

describe(
    WebhookEvent,
    "What is announced: ids and names of fields, never a value.",
    CUSTOMER_CREATED="`customer.created`: an account was registered, or the shop made one.",
    CUSTOMER_UPDATED="`customer.updated`: profile, address of mail, group, consents; `fields` has the names.",
    CUSTOMER_VERIFIED="`customer.verified`: an email address was proven.",
    CUSTOMER_STATUS_CHANGED="`customer.status_changed`: PROSPECT, ACQUIRED, REPEAT.",
    CUSTOMER_APPROVED="`customer.approved`: the shop approved an account.",
    CUSTOMER_REJECTED="`customer.rejected`: the shop refused an account.",
    CUSTOMER_DELETED="`customer.deleted`: a customer without orders was deleted.",
    CUSTOMER_ANONYMIZATION_REQUESTED="`customer.anonymization_requested`: a customer is going to be forgotten.",
    CUSTOMER_ANONYMIZATION_CANCELLED="`customer.anonymization_cancelled`: that was taken back.",
    CUSTOMER_ANONYMIZED="`customer.anonymized`: a customer was forgotten: forget it, too.",
    ADDRESS_CREATED="`address.created`.",
    ADDRESS_UPDATED="`address.updated`: also when it becomes a default.",
    ADDRESS_DELETED="`address.deleted`.",
    PAYMENT_METHOD_CREATED="`payment_method.created`.",
    PAYMENT_METHOD_UPDATED="`payment_method.updated`: also when it becomes the default.",
    PAYMENT_METHOD_DELETED="`payment_method.deleted`.",
    ORDER_CREATED="`order.created`: an order was recorded.",
    ORDER_UPDATED="`order.updated`: also when it is cancelled, or a guest's order finds its customer.",
    SESSION_REPLAYED="`session.replayed`: a refresh token was used twice, and the session ended.",
)
describe(
    Signing,
    "How messages are signed (Standard Webhooks).",
    HMAC_SHA256="`v1`: a secret that both sides have.",
    ED25519="`v1a`: a private key of the service; the receiver verifies with `publicKey`.",
)
describe(
    DisabledReason,
    "Why an endpoint receives nothing.",
    SWITCHED_OFF="`updateWebhookEndpoint` switched it off.",
    GONE="It answered 410.",
    FAILING="It took nothing for five days.",
)
describe(
    DeliveryState,
    "What has come of a delivery.",
    PENDING="It is sent, or sent again, at `nextAttemptAt`.",
    DELIVERED="The endpoint answered 2xx.",
    FAILED="It was given up, and can be replayed.",
)


@strawberry.type(description="Where a shop receives events.")
class WebhookEndpoint(Node):
    """An endpoint, without its secret."""

    url: str = strawberry.field(description="Where messages are posted.")
    events: list[WebhookEvent] = strawberry.field(description="What it subscribes to.")
    signing: Signing = strawberry.field(description="How messages are signed.")
    public_key: str | None = strawberry.field(description="`whpk_…`, with ED25519; null with HMAC_SHA256.")
    previous_secret_until: datetime | None = strawberry.field(
        description="How long messages are signed with the secret before the present one, too; null when they are not."
    )
    enabled: bool = strawberry.field(description="Whether it receives anything.")
    disabled_reason: DisabledReason | None = strawberry.field(description="Why not; null when it does.")
    failing_since: datetime | None = strawberry.field(
        description="Since when it has taken nothing; null while it takes what it gets."
    )
    created_at: datetime = strawberry.field(description="When it was created.")


def to_endpoint(row: EndpointRow, secrets: Secrets | None) -> WebhookEndpoint:
    """The GraphQL object of a row; `secrets` are None when their key is lost."""
    return WebhookEndpoint(
        id=ids.encode(ENDPOINT, row.id),
        url=row.url,
        events=[WebhookEvent(event) for event in row.events],
        signing=Signing(row.signing),
        public_key=signatures.public_key(secrets.current) if secrets else None,
        previous_secret_until=row.previous_secret_until,
        enabled=row.enabled,
        disabled_reason=DisabledReason(row.disabled_reason) if row.disabled_reason else None,
        failing_since=row.failing_since,
        created_at=row.created_at,
    )


@strawberry.type(description="An event on its way to an endpoint, or what came of it.")
class WebhookDelivery(Node):
    """A delivery; kept for 30 days after it was settled."""

    event: WebhookEvent = strawberry.field(description="What it announces.")
    status: DeliveryState = strawberry.field(description="What has come of it.")
    attempts: int = strawberry.field(description="How often it was sent since it was made, or replayed.")
    occurred_at: datetime = strawberry.field(description="When what it announces happened.")
    next_attempt_at: datetime | None = strawberry.field(description="When it is sent; null when it is settled.")
    settled_at: datetime | None = strawberry.field(description="When it was delivered or given up.")
    last_status_code: int | None = strawberry.field(
        description="The HTTP status of the last answer; null without an answer."
    )
    failure: str | None = strawberry.field(
        description="Why there was no answer, such as `ConnectTimeout`, `EgressRefused` (an address inside the "
        "network), `EndpointDisabled`."
    )


def to_delivery(row: DeliveryRow) -> WebhookDelivery:
    """The GraphQL object of a row."""
    state = DeliveryState(row.state)
    return WebhookDelivery(
        id=ids.encode_owned(DELIVERY, owner_id=row.owner_id, row_id=row.id),
        event=WebhookEvent(row.event),
        status=state,
        attempts=row.attempts,
        occurred_at=row.at,
        next_attempt_at=row.due_at if state is DeliveryState.PENDING else None,
        settled_at=row.settled_at,
        last_status_code=row.last_status,
        failure=row.failure,
    )
