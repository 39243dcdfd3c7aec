"""Writes the audit log, in the transaction of the act that it records, and announces the act to webhooks."""

from collections.abc import Iterable
from enum import Enum
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.audit.tables import AuditEvent
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.writing import execute_at_commit, insert_statement
from app.platform.principal import RequestOrigin
from app.platform.webhooks.events import DECOYS, EVENT_OF_ACTION, Announcement
from app.platform.webhooks.outbox import announce

SYSTEM = "SYSTEM"
_EVENT = insert_statement(AuditEvent)


class Action(Enum):
    """Every kind of act that is recorded."""

    CUSTOMER_REGISTERED = "customer.registered"
    CUSTOMER_CREATED = "customer.created"
    CUSTOMERS_LISTED = "customer.listed"
    CUSTOMER_DELETED = "customer.deleted"
    CUSTOMER_READ = "customer.read"
    CUSTOMER_UPDATED = "customer.updated"
    CUSTOMER_ERASED = "customer.erased"
    REGISTRATION_REPEATED = "customer.registration_repeated"
    PASSWORD_CHANGED = "customer.password_changed"
    PASSWORD_RESET_REQUESTED = "customer.password_reset_requested"
    PASSWORD_RESET = "customer.password_reset"
    EMAIL_VERIFICATION_REQUESTED = "customer.email_verification_requested"
    EMAIL_VERIFICATION_REFUSED = "customer.email_verification_refused"
    EMAIL_VERIFIED = "customer.email_verified"
    EMAIL_CHANGE_REQUESTED = "customer.email_change_requested"
    EMAIL_CHANGE_REFUSED = "customer.email_change_refused"
    EMAIL_CHANGED = "customer.email_changed"
    EMAIL_CHANGE_UNDONE = "customer.email_change_undone"
    LOGIN_NAME_REMINDED = "customer.login_name_reminded"
    LOGGED_IN = "session.started"
    LOGIN_FAILED = "session.refused"
    SESSION_REFRESHED = "session.refreshed"
    SESSION_ENDED = "session.ended"
    SESSION_REPLAYED = "session.replayed"
    ADDRESS_CREATED = "address.created"
    ADDRESS_UPDATED = "address.updated"
    ADDRESS_DELETED = "address.deleted"
    ADDRESS_MADE_DEFAULT = "address.made_default"
    PAYMENT_METHOD_ADDED = "payment_method.added"
    PAYMENT_METHOD_UPDATED = "payment_method.updated"
    PAYMENT_METHOD_DELETED = "payment_method.deleted"
    PAYMENT_METHOD_MADE_DEFAULT = "payment_method.made_default"
    PAYMENT_METHOD_EXPIRY_ANNOUNCED = "payment_method.expiry_announced"
    ORDER_RECORDED = "order.recorded"
    ORDER_READ = "order.read"
    ORDER_UPDATED = "order.updated"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_ATTACHED = "order.attached"
    CUSTOMER_ACQUIRED = "customer.acquired"
    CUSTOMER_REPEAT = "customer.repeat"
    CUSTOMER_STATUS_LOWERED = "customer.status_lowered"
    GROUP_CREATED = "group.created"
    GROUP_UPDATED = "group.updated"
    GROUP_DELETED = "group.deleted"
    GROUP_ASSIGNED = "customer.group_assigned"
    MARKET_CREATED = "market.created"
    MARKET_UPDATED = "market.updated"
    MARKET_DELETED = "market.deleted"
    ANONYMIZATION_REQUESTED = "anonymization.requested"
    ANONYMIZATION_CANCELLED = "anonymization.cancelled"
    ERASURE_REQUESTED = "erasure_request.made"
    ERASURE_REQUEST_WITHDRAWN = "erasure_request.withdrawn"
    ERASURE_REQUEST_ACCEPTED = "erasure_request.accepted"
    ERASURE_REQUEST_DECLINED = "erasure_request.declined"
    DATA_EXPORT_REQUESTED = "data_export.requested"
    DATA_EXPORT_DOWNLOADED = "data_export.downloaded"
    LEGAL_HOLD_PLACED = "legal_hold.placed"
    LEGAL_HOLD_RELEASED = "legal_hold.released"
    EXTRA_FIELD_CREATED = "extra_field.created"
    EXTRA_FIELD_UPDATED = "extra_field.updated"
    EXTRA_FIELD_DELETED = "extra_field.deleted"
    TERMS_ACCEPTED = "customer.terms_accepted"
    APPROVAL_GRANTED = "customer.approved"
    APPROVAL_REFUSED = "customer.rejected"
    NEWSLETTER_ENDED = "customer.newsletter_ended"
    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_UPDATED = "organization.updated"
    STAFF_ADDED = "staff.added"
    STAFF_REMOVED = "staff.removed"
    CLIENT_CREATED = "client.created"
    CLIENT_UPDATED = "client.updated"
    CLIENT_ROTATED = "client.rotated"
    CLIENT_REVOKED = "client.revoked"
    WEBHOOK_ENDPOINT_CREATED = "webhook_endpoint.created"
    WEBHOOK_ENDPOINT_UPDATED = "webhook_endpoint.updated"
    WEBHOOK_ENDPOINT_DELETED = "webhook_endpoint.deleted"
    WEBHOOK_SECRET_ROTATED = "webhook_endpoint.secret_rotated"
    TOKEN_ISSUED = "client.token_issued"
    AUDIT_LISTED = "audit.listed"
    AUDIT_TREE_RESTARTED = "audit.tree_restarted"


def record(
    session: AsyncSession,
    origin: RequestOrigin,
    action: Action,
    *,
    customer_id: UUID | None = None,
    object_id: UUID | None = None,
    fields: Iterable[str] = (),
    owner_id: UUID | None = None,
) -> None:
    """Record what the caller did; `fields` are the names of what changed, never the values.

    An event about no customer is the organization's, unless `owner_id` says otherwise.
    """
    principal, moment = origin.principal, now()
    about_id = customer_id or principal.customer_id
    owner = about_id or owner_id or principal.organization.id
    changed = sorted(fields)
    execute_at_commit(
        session,
        _EVENT,
        owner_id=owner,
        id=new_id(),
        organization_id=principal.organization.id,
        customer_id=about_id,
        actor_kind=principal.kind.value,
        actor_id=principal.actor_id,
        client_id=principal.client_id,
        action=action.value,
        object_id=object_id,
        fields=changed,
        source=origin.source,
        request_id=origin.request_id,
        at=moment,
    )
    _announce(
        session,
        action,
        organization_id=principal.organization.id,
        customer_id=about_id,
        object_id=object_id,
        fields=changed,
        actor_kind=principal.kind.value,
        at=moment,
    )


def record_system_event(
    session: AsyncSession,
    action: Action,
    *,
    organization_id: UUID,
    customer_id: UUID | None = None,
    object_id: UUID | None = None,
) -> None:
    """Record an act without a caller, such as an erasure that became due."""
    owner, moment = customer_id or organization_id, now()
    execute_at_commit(
        session,
        _EVENT,
        owner_id=owner,
        id=new_id(),
        organization_id=organization_id,
        customer_id=customer_id,
        actor_kind=SYSTEM,
        action=action.value,
        object_id=object_id,
        fields=[],
        at=moment,
    )
    _announce(
        session,
        action,
        organization_id=organization_id,
        customer_id=customer_id,
        object_id=object_id,
        fields=[],
        actor_kind=SYSTEM,
        at=moment,
    )


def _announce(session: AsyncSession, action: Action, **about: Any) -> None:
    event = EVENT_OF_ACTION.get(action.value)
    if event is not None:
        announce(session, Announcement(event=event, is_decoy=action.value in DECOYS, **about))
