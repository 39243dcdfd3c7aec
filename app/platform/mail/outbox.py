"""The outbox: writes mails in the transaction of the act that they report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.reading import Read, columns
from app.platform.db.writing import execute_at_commit, insert_statement
from app.platform.mail.tables import OutgoingMail
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.vault.vault import Store, Vault

TABLE = "outgoing_mails"
_INSERT_MAIL = insert_statement(OutgoingMail)


class _Row(NamedTuple):
    template: str
    state: str
    created_at: datetime
    settled_at: datetime | None


_BY_CUSTOMER = Read(
    select(*columns(OutgoingMail, _Row))
    .where(
        col(OutgoingMail.organization_id) == bindparam("organization_id"),
        col(OutgoingMail.customer_id) == bindparam("customer_id"),
    )
    .order_by(col(OutgoingMail.id)),
    _Row._make,
)


class MailState(Enum):
    """The state of delivery."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class MailContent:
    """The sealed part of a mail: everything needed to render it later without reading other tables."""

    to: str
    locale: str | None
    shop: str
    storefront_url: str
    sender: str
    values: dict[str, str]
    slug: str = ""


async def enqueue(
    session: AsyncSession,
    vault: Vault,
    *,
    organization: Organization,
    customer_id: UUID,
    to: str,
    locale: str | None,
    template: Template,
    values: Mapping[str, str],
) -> None:
    """Queue a mail, to be sent after the transaction commits; it is sealed with the key of `customer_id`.

    For a customer without a key (an address without an account, see `proofs.decoy_customer_id`) it costs the same, and
    no mail is sent. Raise `ValueError` when `values` are not those the template needs.
    """
    if values.keys() != template.value_names:
        message = f"{template.name} needs the values {sorted(template.value_names)}."
        raise ValueError(message)
    settings = organization.settings
    content = MailContent(
        to,
        locale,
        organization.name,
        settings.storefront_url,
        settings.mail_sender,
        dict(values),
        organization.slug,
    )
    moment, mail_id = now(), new_id()
    execute_at_commit(
        session,
        _INSERT_MAIL,
        id=mail_id,
        organization_id=organization.id,
        customer_id=customer_id,
        template=template.value,
        sealed=(await vault.cipher_or_decoy(customer_id)).seal(TABLE, mail_id, content),
        state=MailState.QUEUED.value,
        attempts=0,
        due_at=moment,
        created_at=moment,
    )


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete all mails to a customer, sent or not; return how many."""
    return (await session.exec(delete(OutgoingMail).where(col(OutgoingMail.customer_id) == customer_id))).rowcount


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """The mails to a customer for its data export, oldest first; without the links, which carry valid tokens."""
    rows = await store.database.rows(_BY_CUSTOMER, organization_id=organization_id, customer_id=customer_id)
    return [
        {"mail": row.template, "state": row.state, "createdAt": row.created_at, "settledAt": row.settled_at}
        for row in rows
    ]
