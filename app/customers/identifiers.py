"""Login identifiers: who owns an email address or a login name, as keyed hashes under a unique index."""

from enum import Enum
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.tables import LoginIdentifier
from app.platform.db.inserts import insert_if_absent
from app.platform.vault.vault import Vault

PURPOSE = "login-identifier"


class IdentifierKind(Enum):
    """The kinds of login identifiers."""

    EMAIL = "EMAIL"
    LOGIN_NAME = "LOGIN_NAME"


def keyed_hash(vault: Vault, *, organization_id: UUID, kind: IdentifierKind, canonical: str) -> bytes:
    """The keyed hash stored instead of the identifier; `canonical` as made by `EmailAddress` or `LoginName`."""
    return vault.fingerprints.compute(PURPOSE, f"{kind.value}:{canonical}", organization_id=organization_id)


async def assign_if_free(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, kind: IdentifierKind, canonical: str, owner: UUID
) -> bool:
    """Assign the identifier to `owner` unless somebody has it; return whether it was assigned."""
    hashed = keyed_hash(vault, organization_id=organization_id, kind=kind, canonical=canonical)
    return await insert_if_absent(
        session,
        LoginIdentifier,
        organization_id=organization_id,
        kind=kind.value,
        keyed_hash=hashed,
        customer_id=owner,
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
