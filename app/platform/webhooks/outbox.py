"""Writes events to the outbox in the transaction of what they announce."""

from typing import Any

from sqlalchemy import bindparam, exists, insert, inspect, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.columns import new_id
from app.platform.db.writing import Write, execute_at_commit
from app.platform.webhooks.events import Announcement
from app.platform.webhooks.tables import WebhookOutboxEvent, WebhookSubscription

DECOY = "nothing"


def _insert_if_subscribed() -> Write[Any]:
    """One statement, so that an organization without endpoints pays no trip for asking whether it has any."""
    wanted = exists().where(
        col(WebhookSubscription.organization_id) == bindparam("subscriber"),
        col(WebhookSubscription.event) == bindparam("subscribed"),
    )
    columns = inspect(WebhookOutboxEvent).columns
    values = [bindparam(column.name, type_=column.type) for column in columns]
    return Write(
        insert(WebhookOutboxEvent).from_select([column.name for column in columns], select(*values).where(wanted))
    )


_INSERT_IF_SUBSCRIBED = _insert_if_subscribed()


def announce(session: AsyncSession, what: Announcement) -> None:
    """Announce an event when the transaction is committed, if an endpoint of the organization subscribes to it."""
    execute_at_commit(
        session,
        _INSERT_IF_SUBSCRIBED,
        **columns_of(what),
        id=new_id(),
        due_at=what.at,
        subscriber=what.organization_id,
        subscribed=what.event.value,
    )


def columns_of(what: Announcement) -> dict[str, Any]:
    """The values of the columns that the outbox and a delivery both have."""
    return {
        "organization_id": what.organization_id,
        "owner_id": what.owner_id,
        "customer_id": what.customer_id,
        "event": DECOY if what.is_decoy else what.event.value,
        "object_id": what.object_id,
        "fields": what.fields,
        "actor_kind": what.actor_kind,
        "at": what.at,
    }
