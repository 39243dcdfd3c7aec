"""Assigns a verified email address to a customer."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import customer_orders, identifiers, repository
from app.customers.identifiers import IdentifierKind
from app.customers.repository import LockedCustomer
from app.customers.service import EmailTaken
from app.customers.tables import Customer
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.clock import now
from app.platform.values import EmailAddress
from app.platform.vault.vault import Vault

EMAIL = IdentifierKind.EMAIL
EPOCH = datetime.fromtimestamp(0, UTC)


async def assign_verified_email(
    session: AsyncSession,
    vault: Vault,
    customer: LockedCustomer,
    email: EmailAddress,
    *,
    outranks_unproven: bool = False,
    undone: bool = False,
) -> list[UUID]:
    """Make a verified address the one of a locked customer and save it; raise `EmailTaken`.

    Return the ids of the guest orders that were attached.

    The address it had is remembered as a former one, unless the change to it is `undone`: it was somebody else's.

    | Another customer of the organization has the address   | Result                                     |
    | ------------------------------------------------------ | ------------------------------------------ |
    | no                                                     | assigned                                   |
    | yes, and `may_lose_email`: a guest of this mailbox     | that one loses it and its orders; assigned |
    | yes, unverified, and `outranks_unproven` (undo)        | that one loses it; assigned                |
    | yes, and it is verified, or has a password             | `EmailTaken`                               |
    | reserved for another customer, who may undo a change   | `EmailTaken`                               |

    So nobody can keep an address from its owner by registering it first. Who loses it loses password and sessions too.
    """
    row = customer.row
    await identifiers.release(session, customer_id=row.id, kind=EMAIL)
    if not await _assign_identifier(session, vault, row, email):
        await _release_unverified_holder(
            session,
            vault,
            organization_id=row.organization_id,
            canonical=email.canonical,
            outranked=outranks_unproven,
        )
        if not await _assign_identifier(session, vault, row, email):
            raise EmailTaken
    proven = row.email_verified_at is not None and not undone
    customer.personal = customer.personal.with_email(email.address, proven=proven)
    # Who proves another address has shown to be somebody: from here on it is no mere registration.
    customer.personal = replace(customer.personal, registration=None)
    row.email_verified_at = now()
    await repository.save(session, vault, customer)
    return await customer_orders.attach_guest_orders_of(session, vault, customer)


async def _assign_identifier(session: AsyncSession, vault: Vault, row: Customer, email: EmailAddress) -> bool:
    return await identifiers.assign_if_free(
        session,
        vault,
        organization_id=row.organization_id,
        kind=EMAIL,
        canonical=email.canonical,
        owner=row.id,
    )


async def _release_unverified_holder(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, canonical: str, outranked: bool
) -> None:
    holder = await repository.lock_by_identifier(
        session, vault, organization_id=organization_id, kind=EMAIL, canonical=canonical
    )
    if holder is None:
        return
    verified = holder.email_verified_at is not None
    is_guest = may_lose_email(verified=verified, has_password=holder.has_password)
    if not is_guest and (verified or not outranked):
        return
    await identifiers.release(session, customer_id=holder.id, kind=EMAIL)
    edited = await repository.lock(session, vault, organization_id=organization_id, customer_id=holder.id)
    if edited is not None:
        if is_guest:
            # Whoever reads the mailbox bought them: they are attached to who has the address now.
            await customer_orders.detach_orders(session, vault, edited, attached=(), since=EPOCH)
        edited.personal = replace(edited.personal, email=None)
        edited.row.sealed_password = None
        await repository.save(session, vault, edited)
        await sessions.end_all(
            session, organization_id=organization_id, customer_id=holder.id, reason=EndReason.EMAIL_PROVEN
        )


def may_lose_email(*, verified: bool, has_password: bool) -> bool:
    """Whether a customer has nothing but an unverified claim to an address: a guest, as nobody can log in as one."""
    return not verified and not has_password
