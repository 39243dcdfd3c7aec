"""Email verification with a mailed link or code."""

from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import pending_registrations
from app.customers import repository
from app.customers.mail_recipients import MailRecipient
from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import UsedProof
from app.platform.errors import AppError
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization, RequestOrigin
from app.platform.vault.vault import Vault

PURPOSE = Purpose.VERIFY_EMAIL


class VerificationResult(NamedTuple):
    """The customer whose address was verified; `warnings` are the errors of a postal address that was not written."""

    customer_id: UUID
    warnings: list[AppError]


async def resend(session: AsyncSession, vault: Vault, *, organization: Organization, to: MailRecipient) -> None:
    """Mail a new link and code, which replace the older ones. The pending registration is kept."""
    issued = await proofs.issue(
        session, vault, organization_id=organization.id, customer_id=to.customer_id, purpose=PURPOSE
    )
    await outbox.enqueue(
        session,
        vault,
        organization=organization,
        customer_id=to.customer_id,
        to=to.to,
        locale=to.locale,
        template=Template.VERIFY_EMAIL,
        values={"token": issued.token, "code": issued.code},
    )


async def verify_by_token(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, token: str
) -> VerificationResult:
    """Verify the address with the link's token; raise `ProofInvalid`, `ProofExpired`, `LoginNameTaken`."""
    organization_id = origin.principal.organization.id
    proven = await proofs.use(session, vault, organization_id=organization_id, purpose=PURPOSE, token=token)
    return await _verify(session, vault, origin, proven)


async def verify_by_code(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, customer_id: UUID, code: str
) -> VerificationResult | None:
    """Verify the address with the short code; None for a wrong one, whose counted try must be committed."""
    organization_id = origin.principal.organization.id
    proven = await proofs.use_code(
        session, vault, organization_id=organization_id, customer_id=customer_id, purpose=PURPOSE, code=code
    )
    return await _verify(session, vault, origin, proven) if proven else None


async def _verify(session: AsyncSession, vault: Vault, origin: RequestOrigin, proven: UsedProof) -> VerificationResult:
    organization_id = origin.principal.organization.id
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=proven.customer_id)
    if customer is None:
        raise ProofInvalid
    return VerificationResult(
        proven.customer_id, await pending_registrations.complete(session, vault, origin, customer, proven.payload)
    )
