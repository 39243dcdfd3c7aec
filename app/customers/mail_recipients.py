"""Finds the customer of an email address for callers who must not learn whether there is one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.customers import identifiers
from app.customers.identifiers import IdentifierKind
from app.customers.records import COLUMNS, CustomerRecord, CustomerRow, open_row
from app.customers.repository import IDENTIFIER_MATCHES, IDENTIFIER_OF_CUSTOMER
from app.customers.tables import LoginIdentifier
from app.identity.proofs.repository import decoy_customer_id
from app.platform.db.reading import Read
from app.platform.values import EmailAddress
from app.platform.vault.vault import Store

_BY_IDENTIFIER = Read(
    select(*COLUMNS).join(LoginIdentifier, IDENTIFIER_OF_CUSTOMER).where(*IDENTIFIER_MATCHES), CustomerRow._make
)


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
    """The customer of an address, or a decoy, with the same two queries.

    A mail goes to the address as the customer has stored it, never to the spelling of the caller.
    """
    kind = IdentifierKind.EMAIL
    hashed = identifiers.keyed_hash(store.vault, organization_id=organization_id, kind=kind, canonical=email.canonical)
    row = await store.database.row(_BY_IDENTIFIER, organization_id=organization_id, kind=kind.value, keyed_hash=hashed)
    decoy_id = decoy_customer_id(store.vault, organization_id=organization_id, canonical=email.canonical)
    cipher = await store.vault.cipher_or_decoy(row.id if row else decoy_id)
    if row is None:
        return MailRecipient(decoy_id, email.address)
    record = open_row(row, cipher)
    return MailRecipient(row.id, record.personal.email or email.address, record)
