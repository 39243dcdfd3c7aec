"""Leaves of the audit tree: the text of an event that its hash is made of.

It has no personal value, and nothing that an erasure or a retention rule changes: ids, names of acts and fields, and a
time. Where a request came from (`source`, `request_id`) is not in it, so that it can be removed.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from app.platform.audit.merkle import leaf_hash


class EventRow(NamedTuple):
    """The columns of `audit_events` that a leaf is made of."""

    id: UUID
    organization_id: UUID
    customer_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    client_id: UUID | None
    action: str
    object_id: UUID | None
    fields: list[str]
    at: datetime


def entry(event: EventRow) -> bytes:
    """The entry of an event: a JSON object with sorted names, ids as UUIDs, the time in UTC with microseconds."""
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    # `str` is for PostgreSQL's driver, whose UUIDs are a class of their own.
    return orjson.dumps({**event._asdict(), "at": at}, default=str, option=orjson.OPT_SORT_KEYS)


def event_hash(event: EventRow) -> bytes:
    """The hash of the leaf of an event."""
    return leaf_hash(entry(event))
