"""Reserved addresses: one that its proven owner was moved away from stays free for the undo."""

from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, repository
from app.customers.identifiers import IdentifierKind
from app.customers.records import CustomerRow
from app.customers.tables import LoginIdentifier
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.platform.vault.vault import Vault

KIND = IdentifierKind.EMAIL_RESERVED


async def reserve(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID, canonical: str
) -> None:
    """Keep the address for a locked customer for as long as the proof that undoes the change is good."""
    hashed = identifiers.keyed_hash(vault, organization_id=organization_id, kind=KIND, canonical=canonical)
    # One of an earlier owner is over: otherwise the address could not have been assigned to this one.
    await session.exec(
        delete(LoginIdentifier).where(
            col(LoginIdentifier.organization_id) == organization_id,
            col(LoginIdentifier.kind) == KIND.value,
            col(LoginIdentifier.keyed_hash) == hashed,
        )
    )
    await identifiers.assign_if_free(
        session, vault, organization_id=organization_id, kind=KIND, canonical=canonical, owner=customer_id
    )


async def lock_reserving_customer(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, canonical: str
) -> tuple[CustomerRow, str] | None:
    """The locked customer an address is reserved for, and the address as that customer wrote it."""
    row = await repository.lock_by_identifier(
        session, vault, organization_id=organization_id, kind=KIND, canonical=canonical
    )
    if row is None:
        return None
    about = proofs.about_hash(vault, canonical)
    found = await proofs.sealed_proofs(session, vault, customer_id=row.id, purpose=Purpose.UNDO_EMAIL_CHANGE)
    return next(((row, proof.payload["email"]) for proof in found if proof.about_hash == about), None)
