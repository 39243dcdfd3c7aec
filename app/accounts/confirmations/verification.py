"""Email verification with a mailed link or code."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import address_proofs
from app.accounts.address_proofs import Browser
from app.customers import repository
from app.customers.mail_recipients import MailRecipient
from app.customers.repository import LockedCustomer
from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import UsedProof
from app.platform.db.columns import new_id
from app.platform.errors import AppError
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization, RequestOrigin
from app.platform.vault.vault import Vault

PURPOSE = Purpose.VERIFY_EMAIL


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """Whose address is proven. `same_browser`: the caller typed the registration, and may be logged in.

    `warnings` say what of the registration could not be written any more; `repeated`: nothing happened this time.
    `session_id` is the session that was started then, if any. `subscribed`: the registration asked for the newsletter.
    """

    customer: LockedCustomer
    proof_id: UUID
    same_browser: bool
    repeated: bool
    session_id: UUID | None = None
    subscribed: bool = False
    warnings: list[AppError] = field(default_factory=list)


async def resend(session: AsyncSession, vault: Vault, *, organization: Organization, to: MailRecipient) -> None:
    """Send a new link and code; the older ones and what was registered with them stay."""
    issued = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=to.customer_id,
        purpose=PURPOSE,
        about=new_id().hex,
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
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, token: str, browser: Browser
) -> VerificationResult:
    """Verify the address with the link's token; raise `ProofInvalid`, `ProofExpired`."""
    organization_id = origin.principal.organization.id
    proven = await proofs.use(session, vault, organization_id=organization_id, purpose=PURPOSE, token=token)
    return await _verify(session, vault, origin, proven, browser)


async def verify_by_code(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    *,
    to: MailRecipient,
    code: str,
    browser: Browser,
) -> VerificationResult | None:
    """Verify the address with the short code; None for a wrong one, whose counted try must be committed."""
    organization_id = origin.principal.organization.id
    proven = await proofs.use_code(
        session, vault, organization_id=organization_id, customer_id=to.customer_id, purpose=PURPOSE, code=code
    )
    return await _verify(session, vault, origin, proven, browser) if proven else None


async def _verify(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, proven: UsedProof, browser: Browser
) -> VerificationResult:
    organization_id = origin.principal.organization.id
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=proven.customer_id)
    if customer is None:
        raise ProofInvalid
    if proven.repeated:
        used_about = await proofs.used_about(session, customer_id=proven.customer_id, proof_id=proven.id)
        same_browser = browser.customer_id == customer.row.id or (bool(browser.about) and browser.about == used_about)
        return VerificationResult(
            customer, proven.id, same_browser, repeated=True, session_id=_started_session(proven.payload)
        )
    result = await address_proofs.prove(session, vault, origin, customer, browser=browser, proof_id=proven.id)
    await proofs.revoke(session, customer_id=customer.row.id, purposes=[PURPOSE], keep=proven.id)
    # What was proven with it, for a second click; without any, something that no registration is about.
    kept = result.about or proven.id.bytes
    await proofs.remember_use(session, customer_id=proven.customer_id, proof_id=proven.id, about=kept)
    return VerificationResult(
        customer,
        proven.id,
        result.same_browser,
        repeated=False,
        subscribed=result.subscribed,
        warnings=result.warnings,
    )


async def remember_session(
    session: AsyncSession, vault: Vault, result: VerificationResult, *, session_id: UUID
) -> None:
    """Keep with the used proof which session it started: a second click is another answer of the same login."""
    await proofs.remember(
        session,
        vault,
        customer_id=result.customer.row.id,
        purpose=PURPOSE,
        proof_id=result.proof_id,
        payload={"session": session_id.hex},
    )


def _started_session(payload: Any) -> UUID | None:
    return UUID(hex=payload["session"]) if payload else None
