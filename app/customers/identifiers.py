"""Login identifiers and shopper references: who owns one, decided by the primary key of a lookup table."""

from enum import Enum
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.tables import LoginIdentifier, ShopperReference
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.platform.db.inserts import insert_if_absent
from app.platform.vault.vault import Vault

PURPOSE = "login-identifier"


class IdentifierKind(Enum):
    """The kinds of login identifiers."""

    EMAIL = "EMAIL"
    LOGIN_NAME = "LOGIN_NAME"
    # An address a customer had and can still get back: nobody logs in with it, and nobody else may have it.
    EMAIL_RESERVED = "EMAIL_RESERVED"


def keyed_hash(vault: Vault, *, organization_id: UUID, kind: IdentifierKind, canonical: str) -> bytes:
    """The keyed hash stored instead of the identifier; `canonical` as made by `EmailAddress` or `LoginName`."""
    return vault.fingerprints.compute(PURPOSE, f"{kind.value}:{canonical}", organization_id=organization_id)


async def assign_if_free(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, kind: IdentifierKind, canonical: str, owner: UUID
) -> bool:
    """Give the name to `owner` unless somebody has it, or an address is reserved; say whether it was given."""
    if kind is IdentifierKind.EMAIL and await _is_reserved(session, vault, organization_id, canonical, owner):
        return False
    hashed = keyed_hash(vault, organization_id=organization_id, kind=kind, canonical=canonical)
    return await insert_if_absent(
        session,
        LoginIdentifier,
        organization_id=organization_id,
        kind=kind.value,
        keyed_hash=hashed,
        customer_id=owner,
    )


async def _is_reserved(session: AsyncSession, vault: Vault, organization_id: UUID, canonical: str, owner: UUID) -> bool:
    """Whether another customer can still undo the change that took the address away."""
    reserving = await owner_id(
        session, vault, organization_id=organization_id, kind=IdentifierKind.EMAIL_RESERVED, canonical=canonical
    )
    if reserving is None or reserving == owner:
        return False
    return await proofs.is_open(
        session, vault, customer_id=reserving, purpose=Purpose.UNDO_EMAIL_CHANGE, about=canonical
    )


async def owner_id(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, kind: IdentifierKind, canonical: str
) -> UUID | None:
    """The customer who has the identifier, as seen by this transaction."""
    hashed = keyed_hash(vault, organization_id=organization_id, kind=kind, canonical=canonical)
    row = await session.get(LoginIdentifier, (organization_id, kind.value, hashed), populate_existing=True)
    return row.customer_id if row else None


async def release(session: AsyncSession, *, customer_id: UUID, kind: IdentifierKind | None = None) -> int:
    """Delete the identifiers of a customer, of one kind or all; return how many."""
    statement = delete(LoginIdentifier).where(col(LoginIdentifier.customer_id) == customer_id)
    if kind is not None:
        statement = statement.where(col(LoginIdentifier.kind) == kind.value)
    return (await session.exec(statement)).rowcount


async def assign_shopper_reference_if_free(
    session: AsyncSession, *, organization_id: UUID, reference: str, owner: UUID
) -> bool:
    """Give the reference to `owner` unless somebody has it; say whether it was given."""
    return await insert_if_absent(
        session, ShopperReference, organization_id=organization_id, shopper_reference=reference, customer_id=owner
    )


async def release_shopper_reference(session: AsyncSession, *, organization_id: UUID, reference: str) -> None:
    """Free the reference of a locked customer."""
    statement = delete(ShopperReference).where(
        col(ShopperReference.organization_id) == organization_id, col(ShopperReference.shopper_reference) == reference
    )
    await session.exec(statement)
