"""Finds the customer of an email address for callers who must not learn whether there is one."""

from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, repository
from app.customers.identifiers import IdentifierKind
from app.customers.records import CustomerRecord, open_row
from app.identity.proofs.repository import decoy_customer_id
from app.platform.db.locks import lock_customer
from app.platform.values import EmailAddress
from app.platform.vault.vault import Store, Vault


@dataclass(frozen=True, slots=True)
class MailRecipient:
    """The recipient of a mail to an address. Without a `record` there is no customer, and the id is a decoy.

    Rows for a decoy (see `proofs.repository.decoy_customer_id`) cost the same as real ones and have no effect.
    """

    customer_id: UUID
    to: str
    record: CustomerRecord | None = None

    @property
    def locale(self) -> str | None:
        """The customer's language, if it is known."""
        return self.record.personal.locale if self.record else None


async def find_mail_recipient(store: Store, *, organization_id: UUID, email: EmailAddress) -> MailRecipient:
    """The customer of an address, or a decoy, with the same three queries.

    A mail goes to the address as the customer has stored it, never to the spelling of the caller.
    """
    found = await repository.id_by_identifier(
        store, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=email.canonical
    )
    decoy = decoy_recipient(store.vault, organization_id=organization_id, email=email)
    customer_id = found or decoy.customer_id
    row = await repository.row_by_id(store, organization_id=organization_id, customer_id=customer_id)
    cipher = await store.vault.cipher_or_decoy(customer_id)
    if row is None:
        return MailRecipient(customer_id, email.address)
    try:
        record = open_row(row, cipher)
    except InvalidTag:
        # The key is lost, and the cipher a decoy: the mail is never sent, as for an unknown address.
        return MailRecipient(customer_id, email.address)
    return MailRecipient(row.id, record.personal.email or email.address, record)


def decoy_recipient(vault: Vault, *, organization_id: UUID, email: EmailAddress) -> MailRecipient:
    """The recipient of a mail that is never sent."""
    return MailRecipient(
        decoy_customer_id(vault, organization_id=organization_id, canonical=email.canonical), email.address
    )


async def lock_mail_recipient(
    session: AsyncSession, vault: Vault, to: MailRecipient, *, organization_id: UUID, email: EmailAddress
) -> MailRecipient:
    """A recipient who keeps the address until the transaction ends; a decoy when it was changed since it was found.

    Otherwise a link could go to an address that the customer has just left. A decoy costs the same two statements.
    """
    await lock_customer(session, organization_id=organization_id, customer_id=to.customer_id)
    owner_id = await identifiers.owner_id(
        session, vault, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=email.canonical
    )
    if to.record is not None and owner_id != to.customer_id:
        return decoy_recipient(vault, organization_id=organization_id, email=email)
    return to
