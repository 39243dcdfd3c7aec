"""Writes mails into the outbox, in the transaction of the act they tell of."""

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
    """How far a mail has come."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class MailContent:
    """What is sealed of a mail: everything needed to write it later, without asking any other room."""

    to: str
    locale: str | None
    shop: str
    storefront_url: str
    sender: str
    values: dict[str, str]


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
    """Have a mail sent once the transaction is committed; `customer_id` says whose key seals it.

    A customer without a key (an address nobody has, see `proofs.decoy_customer_id`) costs the same and gets no mail.
    Raise `ValueError` when `values` are not those the template needs.
    """
    if values.keys() != template.value_names:
        message = f"{template.name} needs the values {sorted(template.value_names)}."
        raise ValueError(message)
    settings = organization.settings
    content = MailContent(to, locale, organization.name, settings.storefront_url, settings.mail_sender, dict(values))
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
    """Delete all mails to a customer, sent or not; return how many there were."""
    return (await session.exec(delete(OutgoingMail).where(col(OutgoingMail.customer_id) == customer_id))).rowcount


async def export(store: Store, *, organization_id: UUID, customer_id: UUID) -> list[dict[str, object]]:
    """What was written to a customer, oldest first; the links in the mails act, and are left out."""
    rows = await store.database.rows(_BY_CUSTOMER, organization_id=organization_id, customer_id=customer_id)
    return [
        {"mail": row.template, "state": row.state, "createdAt": row.created_at, "settledAt": row.settled_at}
        for row in rows
    ]
