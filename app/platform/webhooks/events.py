"""The events that webhooks announce, and which recorded act each of them is."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from uuid import UUID


class WebhookEvent(Enum):
    """What an endpoint can subscribe to."""

    CUSTOMER_CREATED = "customer.created"
    CUSTOMER_UPDATED = "customer.updated"
    CUSTOMER_VERIFIED = "customer.verified"
    CUSTOMER_STATUS_CHANGED = "customer.status_changed"
    CUSTOMER_APPROVED = "customer.approved"
    CUSTOMER_REJECTED = "customer.rejected"
    CUSTOMER_DELETED = "customer.deleted"
    CUSTOMER_ANONYMIZATION_REQUESTED = "customer.anonymization_requested"
    CUSTOMER_ANONYMIZATION_CANCELLED = "customer.anonymization_cancelled"
    CUSTOMER_ANONYMIZED = "customer.anonymized"
    ADDRESS_CREATED = "address.created"
    ADDRESS_UPDATED = "address.updated"
    ADDRESS_DELETED = "address.deleted"
    PAYMENT_METHOD_CREATED = "payment_method.created"
    PAYMENT_METHOD_UPDATED = "payment_method.updated"
    PAYMENT_METHOD_DELETED = "payment_method.deleted"
    ORDER_CREATED = "order.created"
    ORDER_UPDATED = "order.updated"
    SESSION_REPLAYED = "session.replayed"


# What is said of somebody who is going, or gone: it stays with the organization when all that is the customer's goes.
OUTLIVING = frozenset(
    {
        WebhookEvent.CUSTOMER_DELETED,
        WebhookEvent.CUSTOMER_ANONYMIZATION_REQUESTED,
        WebhookEvent.CUSTOMER_ANONYMIZATION_CANCELLED,
        WebhookEvent.CUSTOMER_ANONYMIZED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """That something happened: to whom, to what, and the names of the fields that changed.

    A decoy costs the same and is delivered to nobody: a stranger must not see that nothing happened.
    """

    event: WebhookEvent
    organization_id: UUID
    customer_id: UUID | None
    object_id: UUID | None
    fields: list[str]
    actor_kind: str
    at: datetime
    is_decoy: bool = False

    @property
    def owner_id(self) -> UUID:
        """Whose row it is."""
        return self.customer_id if self.customer_id and self.event not in OUTLIVING else self.organization_id


# Acts that must cost what their event costs, though there is nothing to announce.
DECOYS = frozenset({"customer.registration_repeated"})
# By the value of `audit.log.Action`; acts that are not here are announced to nobody.
EVENT_OF_ACTION = MappingProxyType(
    {
        "customer.registered": WebhookEvent.CUSTOMER_CREATED,
        "customer.registration_repeated": WebhookEvent.CUSTOMER_CREATED,
        "customer.created": WebhookEvent.CUSTOMER_CREATED,
        "customer.updated": WebhookEvent.CUSTOMER_UPDATED,
        "customer.email_changed": WebhookEvent.CUSTOMER_UPDATED,
        "customer.email_change_undone": WebhookEvent.CUSTOMER_UPDATED,
        "customer.group_assigned": WebhookEvent.CUSTOMER_UPDATED,
        "customer.terms_accepted": WebhookEvent.CUSTOMER_UPDATED,
        "customer.newsletter_ended": WebhookEvent.CUSTOMER_UPDATED,
        "customer.email_verified": WebhookEvent.CUSTOMER_VERIFIED,
        "customer.acquired": WebhookEvent.CUSTOMER_STATUS_CHANGED,
        "customer.repeat": WebhookEvent.CUSTOMER_STATUS_CHANGED,
        "customer.status_lowered": WebhookEvent.CUSTOMER_STATUS_CHANGED,
        "customer.approved": WebhookEvent.CUSTOMER_APPROVED,
        "customer.rejected": WebhookEvent.CUSTOMER_REJECTED,
        "customer.deleted": WebhookEvent.CUSTOMER_DELETED,
        "anonymization.requested": WebhookEvent.CUSTOMER_ANONYMIZATION_REQUESTED,
        "anonymization.cancelled": WebhookEvent.CUSTOMER_ANONYMIZATION_CANCELLED,
        "customer.erased": WebhookEvent.CUSTOMER_ANONYMIZED,
        "address.created": WebhookEvent.ADDRESS_CREATED,
        "address.updated": WebhookEvent.ADDRESS_UPDATED,
        "address.made_default": WebhookEvent.ADDRESS_UPDATED,
        "address.deleted": WebhookEvent.ADDRESS_DELETED,
        "payment_method.added": WebhookEvent.PAYMENT_METHOD_CREATED,
        "payment_method.updated": WebhookEvent.PAYMENT_METHOD_UPDATED,
        "payment_method.made_default": WebhookEvent.PAYMENT_METHOD_UPDATED,
        "payment_method.deleted": WebhookEvent.PAYMENT_METHOD_DELETED,
        "order.recorded": WebhookEvent.ORDER_CREATED,
        "order.updated": WebhookEvent.ORDER_UPDATED,
        "order.cancelled": WebhookEvent.ORDER_UPDATED,
        "order.attached": WebhookEvent.ORDER_UPDATED,
        "session.replayed": WebhookEvent.SESSION_REPLAYED,
    }
)
