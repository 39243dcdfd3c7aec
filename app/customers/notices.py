"""Queues mails to customers about their accounts."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.records import CustomerDetails
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.vault.vault import Vault


async def notify(
    session: AsyncSession,
    vault: Vault,
    *,
    organization: Organization,
    customer_id: UUID,
    personal: CustomerDetails,
    template: Template,
    **values: str,
) -> None:
    """Queue a mail to the customer's own address, in its language; nothing when it has no address."""
    if personal.email is None:
        return
    await outbox.enqueue(
        session,
        vault,
        organization=organization,
        customer_id=customer_id,
        to=personal.email,
        locale=personal.locale,
        template=template,
        values=values,
    )
