"""Approval decisions: stores them, ends sessions after a rejection, and mails an approved customer."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository
from app.customers.notices import notify
from app.customers.records import Approval
from app.customers.repository import LockedCustomer
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import PENDING_EMAIL_CHANGE
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.errors import NotFound
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.vault.vault import Vault


async def decide(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID, approval: Approval
) -> tuple[LockedCustomer, bool]:
    """Store the decision; return the customer and whether it is new. A rejection ends all sessions.

    Raise `NotFound`.
    """
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None:
        raise NotFound("There is no customer with this id.", field=("customerId",))
    if customer.row.approval == approval.value:
        return customer, False
    customer.row.approval = approval.value
    await repository.save(session, vault, customer)
    if approval is Approval.REJECTED:
        await sessions.end_all(
            session, organization_id=organization_id, customer_id=customer_id, reason=EndReason.REJECTED
        )
        await proofs.revoke(session, customer_id=customer_id, purposes=PENDING_EMAIL_CHANGE)
    return customer, True


async def notify_approved(
    session: AsyncSession, vault: Vault, organization: Organization, customer: LockedCustomer
) -> None:
    """Mail the customer that they may log in now."""
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer.row.id,
        personal=customer.personal,
        template=Template.APPROVED,
    )
