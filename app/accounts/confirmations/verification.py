"""Proves an email address."""

from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import claims
from app.customers import repository
from app.customers.addressees import Addressee
from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import Proven
from app.platform.errors import AppError
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization, Origin
from app.platform.vault.vault import Vault

PURPOSE = Purpose.VERIFY_EMAIL


class Verified(NamedTuple):
    """Whose address is proven; `warnings` say what of the registration could not be written any more."""

    customer_id: UUID
    warnings: list[AppError]


async def send_again(session: AsyncSession, vault: Vault, *, organization: Organization, to: Addressee) -> None:
    """Send a new link and code, which void the older ones; what was claimed with them stays."""
    issued = await proofs.issue(
        session, vault, organization_id=organization.id, customer_id=to.customer_id, purpose=PURPOSE
    )
    await outbox.post(
        session,
        vault,
        organization=organization,
        customer_id=to.customer_id,
        to=to.to,
        locale=to.locale,
        template=Template.VERIFY_EMAIL,
        values={"token": issued.token, "code": issued.code},
    )


async def by_token(session: AsyncSession, vault: Vault, origin: Origin, *, token: str) -> Verified:
    """Prove the address with the link's token; raise `ProofInvalid`, `ProofExpired`."""
    organization_id = origin.principal.organization.id
    proven = await proofs.use(session, vault, organization_id=organization_id, purpose=PURPOSE, token=token)
    return await _prove(session, vault, origin, proven)


async def by_code(
    session: AsyncSession, vault: Vault, origin: Origin, *, customer_id: UUID, code: str
) -> Verified | None:
    """Prove the address with the short code; None for a wrong one, and the try must be committed."""
    organization_id = origin.principal.organization.id
    proven = await proofs.use_code(
        session, vault, organization_id=organization_id, customer_id=customer_id, purpose=PURPOSE, code=code
    )
    return await _prove(session, vault, origin, proven) if proven else None


async def _prove(session: AsyncSession, vault: Vault, origin: Origin, proven: Proven) -> Verified:
    organization_id = origin.principal.organization.id
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=proven.customer_id)
    if customer is None:
        raise ProofInvalid
    return Verified(proven.customer_id, await claims.prove(session, vault, origin, customer, proven.payload))
