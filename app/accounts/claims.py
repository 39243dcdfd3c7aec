"""Registrations whose address is not proven: what is claimed lies sealed with the proof until the mail is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import registration
from app.accounts.registration import Application, NextStep
from app.clock import now
from app.customers import repository
from app.customers.identifiers import IdentifierKind
from app.customers.notices import notify
from app.customers.profile import changed
from app.customers.records import TABLE, Personal
from app.customers.repository import EditedCustomer
from app.customers.service import EmailTaken
from app.customers.tables import Customer
from app.errors import Conflict
from app.mail.templates import Template
from app.principal import Organization
from app.proofs import repository as proofs
from app.proofs.purposes import Purpose
from app.sessions import service as sessions
from app.sessions.service import EndReason
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Registered:
    """The outcome of a registration; `customer` has the address, whether it is `new` or had it before."""

    customer: Customer
    new: bool
    next_step: NextStep


async def register(
    session: AsyncSession, vault: Vault, *, organization: Organization, application: Application
) -> Registered:
    """Open an account, or lay the claim to one beside it until the address is proven.

    While addresses have to be proven, every path writes the same: a stranger cannot tell a taken address from a
    free one, and the owner of a taken one learns of it by mail. Otherwise raise `EmailTaken`, except for a guest's
    address: whoever proves it takes the guest's record over.
    """
    proving = organization.settings.require_verified_email
    # Of an unproven registration the row holds the address only: what a stranger typed never becomes the owner's.
    written = replace(application, password_hash=None, profile={}, newsletter=False) if proving else application
    new = await _register(session, vault, organization.id, written)
    owner = await repository.lock_owner(
        session,
        vault,
        organization_id=organization.id,
        kind=IdentifierKind.EMAIL,
        canonical=application.email.canonical,
    )
    if owner is None:
        raise Conflict
    if not proving and not new and not _takes_over_guest(owner, application):
        raise EmailTaken
    claims = proving or not new
    taken = claims and owner.email_verified_at is not None and owner.sealed_password is not None
    await _send(session, vault, organization, owner, application, claims=claims, taken=taken)
    return Registered(owner, new, NextStep.VERIFY_EMAIL if claims else NextStep.DONE)


async def _register(session: AsyncSession, vault: Vault, organization_id: UUID, application: Application) -> bool:
    try:
        async with session.begin_nested():
            await registration.register(session, vault, organization_id=organization_id, application=application)
    except EmailTaken:
        return False
    return True


def _takes_over_guest(owner: Customer, application: Application) -> bool:
    return owner.sealed_password is None and application.password_hash is not None


async def _send(
    session: AsyncSession,
    vault: Vault,
    organization: Organization,
    owner: Customer,
    application: Application,
    *,
    claims: bool,
    taken: bool,
) -> None:
    claim = {
        "password_hash": application.password_hash,
        "profile": dict(application.profile),
        "newsletter": application.newsletter,
    }
    issued = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=owner.id,
        purpose=Purpose.NOTHING if taken else Purpose.VERIFY_EMAIL,
        payload=claim if claims else None,
    )
    box = await vault.fresh_box(owner.id)
    personal = box.open_as(Personal, TABLE, owner.id, owner.sealed)
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=owner.id,
        personal=replace(personal, locale=personal.locale or application.profile.get("locale")),
        template=Template.ALREADY_REGISTERED if taken else Template.VERIFY_EMAIL,
        **({} if taken else {"token": issued.token, "code": issued.code}),
    )


async def prove(session: AsyncSession, vault: Vault, customer: EditedCustomer, claim: Mapping[str, Any] | None) -> None:
    """Mark a locked customer's address as proven and let the claim that was proven with it win.

    The password and the sessions of an account whose address was never proven are void from here on. An account
    that has a proven address and a password already is not changed by any claim.
    """
    row = customer.row
    if claim is not None and not (row.email_verified_at and row.sealed_password):
        await _apply(session, vault, customer, claim)
    row.email_verified_at = row.email_verified_at or now()
    await repository.save(session, vault, customer)


async def _apply(session: AsyncSession, vault: Vault, customer: EditedCustomer, claim: Mapping[str, Any]) -> None:
    row, proven = customer.row, customer.row.email_verified_at is not None
    profile = {name: value for name, value in claim["profile"].items() if value is not None}
    customer.personal, _ = changed(customer.personal, profile)
    row.newsletter = claim["newsletter"] or (proven and row.newsletter)
    if claim["password_hash"]:
        await repository.set_password(session, vault, row, claim["password_hash"])
    elif not proven:
        row.sealed_password = None
    await sessions.end_all(
        session, organization_id=row.organization_id, customer_id=row.id, reason=EndReason.EMAIL_PROVEN
    )
