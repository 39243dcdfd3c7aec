"""Reads and writes customers; decrypts and seals their rows."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from sqlalchemy import bindparam, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers
from app.customers.identifiers import IdentifierKind
from app.customers.records import (
    COLUMNS,
    PASSWORD_COLUMN,
    TABLE,
    CustomerDetails,
    CustomerRecord,
    CustomerRow,
    open_row,
)
from app.customers.tables import Customer, LoginIdentifier, ShopperReference
from app.platform.blanks import is_storable
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import NO_KEY
from app.platform.db.reading import Read, any_of, columns
from app.platform.db.writing import Write, execute
from app.platform.values import EmailAddress
from app.platform.vault.vault import KeyDestroyed, Store, Vault


class Credentials(NamedTuple):
    """What a login needs to know of a customer."""

    customer_id: UUID
    sealed_password: bytes | None
    email_verified: bool
    approval: str | None


class _Id(NamedTuple):
    customer_id: UUID


_BY_IDS = Read(
    select(*COLUMNS).where(
        col(Customer.organization_id) == bindparam("organization_id"),
        any_of(Customer.id, "ids"),
        col(Customer.deleted_at).is_(None),
    ),
    CustomerRow._make,
)
_ID_BY_IDENTIFIER = Read(
    select(*columns(LoginIdentifier, _Id)).where(
        col(LoginIdentifier.organization_id) == bindparam("organization_id"),
        col(LoginIdentifier.kind) == bindparam("kind"),
        col(LoginIdentifier.keyed_hash) == bindparam("keyed_hash"),
    ),
    _Id._make,
)
_ID_BY_SHOPPER_REFERENCE = Read(
    select(*columns(ShopperReference, _Id)).where(
        col(ShopperReference.organization_id) == bindparam("organization_id"),
        col(ShopperReference.shopper_reference) == bindparam("shopper_reference"),
    ),
    _Id._make,
)
_CREDENTIAL_COLUMNS: Sequence[Any] = (
    Customer.id,
    Customer.sealed_password,
    col(Customer.email_verified_at).is_not(None),
    Customer.approval,
)
_CREDENTIALS_BY_ID = Read(
    select(*_CREDENTIAL_COLUMNS).where(
        col(Customer.organization_id) == bindparam("organization_id"), col(Customer.id) == bindparam("customer_id")
    ),
    Credentials._make,
)
_LOCK_BY_ID = Write(
    select(*COLUMNS)
    .where(col(Customer.organization_id) == bindparam("organization_id"), col(Customer.id) == bindparam("customer_id"))
    .with_for_update(of=Customer, key_share=True),
    CustomerRow._make,
)


async def by_ids(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[CustomerRecord | None]:
    """The customers with these ids in their order; None where the organization has none."""
    rows = await store.database.rows(_BY_IDS, organization_id=organization_id, ids=ids)
    ciphers = await store.vault.ciphers([row.id for row in rows if row.sealed])
    found = {row.id: open_row(row, ciphers.get(row.id)) for row in rows}
    return [found.get(one) for one in ids]


async def row_by_id(store: Store, *, organization_id: UUID, customer_id: UUID) -> CustomerRow | None:
    """The row of a customer, unopened; None where the organization has none."""
    return await store.database.row(_BY_IDS, organization_id=organization_id, ids=[customer_id])


async def id_by_identifier(store: Store, *, organization_id: UUID, kind: IdentifierKind, canonical: str) -> UUID | None:
    """The id of the customer who owns an email address or a login name."""
    hashed = identifiers.keyed_hash(store.vault, organization_id=organization_id, kind=kind, canonical=canonical)
    row = await store.database.row(
        _ID_BY_IDENTIFIER, organization_id=organization_id, kind=kind.value, keyed_hash=hashed
    )
    return row.customer_id if row else None


async def id_by_shopper_reference(store: Store, *, organization_id: UUID, reference: str) -> UUID | None:
    """The id of the customer with this shopper reference."""
    if not is_storable(reference):
        return None
    row = await store.database.row(
        _ID_BY_SHOPPER_REFERENCE, organization_id=organization_id, shopper_reference=reference
    )
    return row.customer_id if row else None


async def credentials_by_identifier(
    store: Store, *, organization_id: UUID, kind: IdentifierKind, canonical: str
) -> tuple[Credentials, str | None] | None:
    """The credentials and the decrypted password hash for an identifier; None, after equal reads, without an owner."""
    found = await id_by_identifier(store, organization_id=organization_id, kind=kind, canonical=canonical)
    return await credentials_by_id(store, organization_id=organization_id, customer_id=found or new_id())


async def credentials_by_id(
    store: Store, *, organization_id: UUID, customer_id: UUID
) -> tuple[Credentials, str | None] | None:
    """The credentials and the decrypted password hash of a customer."""
    row = await store.database.row(_CREDENTIALS_BY_ID, organization_id=organization_id, customer_id=customer_id)
    return await _open_credentials(store, row)


async def _open_credentials(store: Store, row: Credentials | None) -> tuple[Credentials, str | None] | None:
    # Reads a key for an unknown name too: a login costs the same queries whether the name exists or not.
    cipher = await store.vault.cipher_or_decoy(row.customer_id if row else new_id())
    if row is None:
        return None
    if row.sealed_password is None:
        return row, None
    try:
        return row, cipher.open(PASSWORD_COLUMN, row.customer_id, row.sealed_password)
    except InvalidTag:
        # The key is lost, and the cipher a decoy: there is no such customer.
        return None


@dataclass(slots=True)
class LockedCustomer:
    """A customer locked for a change; `save` seals `personal` again."""

    row: Customer
    personal: CustomerDetails


async def lock(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID
) -> LockedCustomer | None:
    """Lock a customer until the transaction ends; None when there is none, it was erased or has no key."""
    customer = await lock_by_trusted_id(session, vault, customer_id=customer_id)
    return customer if customer is not None and customer.row.organization_id == organization_id else None


async def lock_by_trusted_id(session: AsyncSession, vault: Vault, *, customer_id: UUID) -> LockedCustomer | None:
    """Lock a customer by an id that was read from a signed token; never pass an id that a caller may choose."""
    row = await session.get(Customer, customer_id, with_for_update=NO_KEY, populate_existing=True)
    if row is None or row.erased_at is not None:
        return None
    try:
        cipher = await vault.cipher(customer_id)
    except KeyDestroyed:
        return None
    return LockedCustomer(row, cipher.open_as(CustomerDetails, TABLE, row.id, row.sealed))


async def lock_by_identifier(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, kind: IdentifierKind, canonical: str
) -> CustomerRow | None:
    """Lock the customer who has an identifier until the transaction ends; nothing personal is decrypted."""
    found = await identifiers.owner_id(session, vault, organization_id=organization_id, kind=kind, canonical=canonical)
    if found is None:
        return None
    rows = await execute(session, _LOCK_BY_ID, organization_id=organization_id, customer_id=found)
    return rows[0] if rows else None


async def save(session: AsyncSession, vault: Vault, customer: LockedCustomer) -> None:
    """Seal and write a locked customer as its next version."""
    cipher = await vault.cipher(customer.row.id)
    customer.row.sealed = cipher.seal(TABLE, customer.row.id, customer.personal)
    customer.row.reference_hash = reference_hash(
        vault, organization_id=customer.row.organization_id, reference=customer.personal.reference
    )
    customer.row.terms_version = customer.personal.terms_version
    customer.row.version += 1
    customer.row.updated_at = now()
    session.add(customer.row)
    await session.flush()


async def password_hash_of(vault: Vault, customer: Customer) -> str | None:
    """The decrypted password hash of a locked customer."""
    if customer.sealed_password is None:
        return None
    found: str = (await vault.cipher(customer.id)).open(PASSWORD_COLUMN, customer.id, customer.sealed_password)
    return found


async def set_password(session: AsyncSession, vault: Vault, customer: Customer, password_hash: str) -> None:
    """Replace the password hash of a locked customer."""
    cipher = await vault.cipher(customer.id)
    customer.sealed_password = cipher.seal(PASSWORD_COLUMN, customer.id, password_hash)
    session.add(customer)


async def assign_group(session: AsyncSession, *, customer_id: UUID, group_id: UUID | None) -> bool:
    """Set or clear the group of a locked customer; return whether it differed."""
    row = await session.get_one(Customer, customer_id, populate_existing=True)
    if row.group_id == group_id:
        return False
    row.group_id = group_id
    row.version += 1
    row.updated_at = now()
    session.add(row)
    await session.flush()
    return True


def reference_hash(vault: Vault, *, organization_id: UUID, reference: str | None) -> bytes | None:
    """The keyed hash that finds a customer by its id in another system."""
    if reference is None:
        return None
    return vault.fingerprints.compute("customer-reference", reference, organization_id=organization_id)


def new_shopper_reference() -> str:
    """A random shopper reference, which reveals nothing about the customer."""
    return secrets.token_urlsafe(12).replace("-", "x").replace("_", "y")


async def addresses_held(session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID) -> list[str]:
    """The canonical email addresses of a locked customer: the present one, proven or not, and proven former ones.

    A former one that another customer has now is left out. Empty when the customer was erased or has no key.
    """
    row = await session.get(Customer, customer_id, populate_existing=True)
    cipher = (await vault.ciphers([customer_id])).get(customer_id)
    if row is None or cipher is None or row.sealed is None:
        return []
    personal = cipher.open_as(CustomerDetails, TABLE, row.id, row.sealed)
    found = []
    for address in (personal.email, *personal.former_emails):
        canonical = EmailAddress.parse(address).canonical if address else None
        if canonical is None or canonical in found:
            continue
        owner = await identifiers.owner_id(
            session, vault, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=canonical
        )
        if owner in {None, customer_id}:
            found.append(canonical)
    return found


async def erase(session: AsyncSession, *, customer_id: UUID) -> int:
    """Delete everything personal of a customer's row, and its identifiers; idempotent. Return 1 if there was anything.

    The shopper reference is replaced too: payment gateways know the person by it.
    """
    await identifiers.release(session, customer_id=customer_id)
    row = await session.get(Customer, customer_id, with_for_update=NO_KEY, populate_existing=True)
    if row is None or row.erased_at is not None:
        return 0
    row.sealed = None
    row.sealed_password = None
    row.group_id = None
    row.reference_hash = None
    row.newsletter = False
    row.terms_version = None
    row.email_verified_at = None
    await identifiers.release_shopper_reference(
        session, organization_id=row.organization_id, reference=row.shopper_reference
    )
    row.shopper_reference = new_shopper_reference()
    row.erased_at = row.updated_at = now()
    row.version += 1
    session.add(row)
    return 1
