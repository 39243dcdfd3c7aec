"""What a message says: ids and the names of what changed. Values are read from the API by whoever may read them."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.platform.graphql import ids
from app.platform.webhooks.tables import WebhookDelivery

# The actor of a test message.
TEST = "TEST"
_Encode = Callable[[UUID, UUID], str]


def _owned(kind: str) -> _Encode:
    return lambda owner_id, row_id: str(ids.encode_owned(kind, owner_id=owner_id, row_id=row_id))


# By the first word of the event: what the object is, as the API names it.
_OBJECTS: MappingProxyType[str, tuple[str, _Encode]] = MappingProxyType(
    {
        "address": ("addressId", _owned("Address")),
        "payment_method": ("paymentMethodId", _owned("PaymentMethod")),
        "order": ("orderId", lambda _, row_id: str(ids.encode("Order", row_id))),
    }
)


def message(delivery: WebhookDelivery) -> dict[str, Any]:
    """The body of a message; `data` has what the event is about.

    `fields` are names, as in the audit log: of what changed in the customer or in the object.
    """
    data: dict[str, Any] = {
        "organizationId": ids.encode("Organization", delivery.organization_id),
        "customerId": ids.encode("Customer", delivery.customer_id) if delivery.customer_id else None,
        "actor": delivery.actor_kind,
        "fields": delivery.fields,
    }
    if delivery.actor_kind == TEST:
        data["test"] = True
    known = _OBJECTS.get(delivery.event.partition(".")[0])
    if known is not None and delivery.object_id is not None:
        name, encode = known
        data[name] = encode(delivery.owner_id, delivery.object_id)
    return {"type": delivery.event, "timestamp": delivery.at.isoformat().replace("+00:00", "Z"), "data": data}
