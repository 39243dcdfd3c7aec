"""Tables of webhooks: endpoints and what they subscribe to, the outbox of events, and deliveries.

An event is written with what it announces, once, if anybody subscribes to it. A worker makes a delivery of it for each
endpoint. Both hold ids and the names of fields only, as the audit log does.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Index, Uuid, text
from sqlmodel import Field, SQLModel

from app.platform.db.columns import binary_column, foreign_key, id_column, owner_column, timestamp_column

IS_SETTLED = text("settled_at IS NOT NULL")


class WebhookEndpoint(SQLModel, table=True):
    """Where a shop receives events. The secret, and the one before, are sealed with a key of the endpoint's own.

    `failing_since` is when a delivery was refused after which none succeeded.
    """

    __tablename__ = "webhook_endpoints"

    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id", index=True)
    url: str = Field(max_length=2048)
    signing: str = Field(max_length=16)
    events: list[str] = Field(default_factory=list, sa_type=JSON)
    secrets: bytes = binary_column()
    previous_secret_until: datetime | None = timestamp_column(nullable=True)
    enabled: bool = True
    disabled_reason: str | None = Field(default=None, max_length=16)
    failing_since: datetime | None = timestamp_column(nullable=True)
    created_at: datetime = timestamp_column()


class WebhookSubscription(SQLModel, table=True):
    """An event that an enabled endpoint wants: what is looked at before anything is written to the outbox."""

    __tablename__ = "webhook_subscriptions"
    __table_args__ = (Index("ix_webhook_subscriptions_event", "organization_id", "event"),)

    endpoint_id: UUID = foreign_key("webhook_endpoints.id", primary_key=True)
    event: str = Field(max_length=64, primary_key=True)
    organization_id: UUID = foreign_key("organizations.id")


class WebhookOutboxEvent(SQLModel, table=True):
    """An event that has no deliveries yet. The owner is the customer, or the organization (`events.OUTLIVING`)."""

    __tablename__ = "webhook_events"

    owner_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = None
    event: str = Field(max_length=64)
    object_id: UUID | None = None
    fields: list[str] = Field(default_factory=list, sa_type=JSON)
    actor_kind: str = Field(max_length=16)
    at: datetime = timestamp_column()
    due_at: datetime = timestamp_column(index=True)


class WebhookDelivery(SQLModel, table=True):
    """An event for one endpoint. `endpoint_id` is no foreign key: deliveries of a deleted endpoint are swept later."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_due", "state", "due_at"),
        Index("ix_webhook_deliveries_endpoint", "organization_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_settled",
            "settled_at",
            sqlite_where=IS_SETTLED,
            postgresql_where=IS_SETTLED,
        ),
    )

    owner_id: UUID = owner_column()
    id: UUID = id_column()
    organization_id: UUID = foreign_key("organizations.id")
    customer_id: UUID | None = None
    endpoint_id: UUID = Field(sa_type=Uuid)
    event: str = Field(max_length=64)
    object_id: UUID | None = None
    fields: list[str] = Field(default_factory=list, sa_type=JSON)
    actor_kind: str = Field(max_length=16)
    at: datetime = timestamp_column()
    state: str = Field(max_length=16)
    attempts: int = 0
    due_at: datetime = timestamp_column()
    settled_at: datetime | None = timestamp_column(nullable=True)
    last_status: int | None = None
    failure: str | None = Field(default=None, max_length=64)
