"""The locked addresses of one customer, for a change."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.addresses import repository
from app.customers.addresses.records import TABLE, AddressDetails, AddressRecord, open_row, row_of
from app.customers.addresses.tables import Address
from app.platform.audit import log
from app.platform.audit.log import Action
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import lock_customer
from app.platform.errors import NotFound
from app.platform.principal import RequestOrigin
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class CustomerAddresses:
    """All addresses of a locked customer, oldest first; no other transaction changes them until this one ends.

    Lock order: the customer row first, then its addresses.
    """

    session: AsyncSession
    origin: RequestOrigin
    cipher: DataKeyCipher
    customer_id: UUID
    rows: list[Address]

    def find(self, address_id: UUID, *field: str) -> Address:
        """The address with this id; raise `NotFound` of `field` when the customer has no such one."""
        for row in self.rows:
            if row.id == address_id:
                return row
        raise NotFound(field=field)

    def others(self, row: Address) -> list[Address]:
        """All but this one."""
        return [other for other in self.rows if other.id != row.id]

    def open(self, row: Address) -> AddressRecord:
        """The record of a row, with its details decrypted."""
        return open_row(row_of(row), self.cipher)

    def new_row(self, country_code: str, details: AddressDetails) -> Address:
        """A row for a new address, not yet in the session."""
        row_id, moment = new_id(), now()
        return Address(
            id=row_id,
            organization_id=self.origin.principal.organization.id,
            customer_id=self.customer_id,
            country_code=country_code,
            sealed=self.cipher.seal(TABLE, row_id, details),
            created_at=moment,
            updated_at=moment,
        )

    def set_details(self, row: Address, country_code: str, details: AddressDetails) -> None:
        """Replace the country and the sealed details of a row."""
        row.country_code = country_code
        row.sealed = self.cipher.seal(TABLE, row.id, details)

    def audit(self, action: Action, row: Address, *fields: str) -> None:
        """Write an audit row about an address."""
        log.record(self.session, self.origin, action, customer_id=self.customer_id, object_id=row.id, fields=fields)


async def lock_addresses(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, customer_id: UUID
) -> CustomerAddresses:
    """Lock a customer and read its addresses; raise `NotFound` of `customerId` when there is no such customer."""
    organization_id = origin.principal.organization.id
    if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        raise NotFound(field=("customerId",))
    # A customer who is not erased has a key: the key is destroyed only after the erasure was committed.
    cipher = await vault.cipher(customer_id)
    rows = await repository.rows_of(session, organization_id=organization_id, customer_id=customer_id)
    return CustomerAddresses(session, origin, cipher, customer_id, rows)


async def lock_addresses_of(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, owner_id: UUID
) -> CustomerAddresses:
    """Lock the addresses of the customer whom the global id of an address names.

    Raise `NotFound` of `id` when that is not the customer who calls, or not one of the organization.
    """
    if origin.principal.customer_id not in {None, owner_id}:
        raise NotFound(field=("id",))
    try:
        return await lock_addresses(session, vault, origin, customer_id=owner_id)
    except NotFound:
        raise NotFound(field=("id",)) from None
