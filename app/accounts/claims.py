"""Registrations whose address is not proven: what is claimed lies sealed with the proof until the mail is answered."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import registration
from app.accounts.registration import Application, FirstAddress, NextStep
from app.customers import identifiers, ordering, repository
from app.customers.addresses.defaults import AddressType
from app.customers.addresses.records import Personal as AddressFields
from app.customers.identifiers import IdentifierKind
from app.customers.notices import notify
from app.customers.profile import changed
from app.customers.records import TABLE, Approval, CustomerRow, Personal
from app.customers.repository import EditedCustomer
from app.customers.service import EmailTaken, LoginNameTaken
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.clock import now
from app.platform.db.writing import savepoint
from app.platform.errors import AppError, Conflict, Rejected
from app.platform.mail.templates import Template
from app.platform.principal import Organization, Origin
from app.platform.values import LoginName
from app.platform.vault.vault import Vault

NAMES = frozenset({"email", "login_name"})


@dataclass(frozen=True, slots=True)
class Registered:
    """The outcome of a registration; `customer` has the address, whether it is `new` or had it before."""

    customer: CustomerRow
    new: bool
    next_step: NextStep


async def register(session: AsyncSession, vault: Vault, origin: Origin, *, application: Application) -> Registered:
    """Open an account, or lay the claim to one beside it until the address is proven.

    While addresses have to be proven, every path writes the same: a stranger cannot tell a taken address from a
    free one, and the owner of a taken one learns of it by mail. Otherwise raise `EmailTaken`, except for a guest's
    address: whoever proves it takes the guest's record over. Raise `LoginNameTaken` too; while addresses have to be
    proven, a registration takes no login name, so that it tells nothing about the address.
    """
    organization = origin.principal.organization
    proving = organization.settings.require_verified_email
    # Of an unproven registration the row holds the address only: what a stranger typed never becomes the owner's.
    written = _bare(application) if proving else application
    new = await _register(session, vault, origin, written)
    owner = await repository.lock_owner(
        session,
        vault,
        organization_id=organization.id,
        kind=IdentifierKind.EMAIL,
        canonical=application.email.canonical,
    )
    if owner is None:
        raise Conflict
    refused: list[AppError] = []
    if not proving and not new and not _takes_over_guest(owner, application):
        refused.append(EmailTaken())
    if await _is_taken(session, vault, organization.id, application.login_name, owner.id):
        refused.append(LoginNameTaken())
    if refused:
        raise Rejected(refused)
    if not proving and new:
        address = application.email.address
        await registration.ask_for_approval(session, vault, organization, customer_id=owner.id, email=address)
    claims = proving or not new
    taken = claims and owner.email_verified_at is not None and owner.has_password
    await _send(session, vault, organization, owner, application, claims=claims, taken=taken)
    return Registered(owner, new, NextStep.VERIFY_EMAIL if claims else NextStep.DONE)


def _bare(application: Application) -> Application:
    personal = Personal(email=application.email.address)
    return Application(
        application.email, login_name=None, password_hash=None, personal=personal, newsletter=False, address=None
    )


async def _is_taken(
    session: AsyncSession, vault: Vault, organization_id: UUID, name: LoginName | None, customer_id: UUID
) -> bool:
    if name is None:
        return False
    holder = await repository.lock_owner(
        session, vault, organization_id=organization_id, kind=IdentifierKind.LOGIN_NAME, canonical=name.canonical
    )
    return holder is not None and holder.id != customer_id


async def _register(session: AsyncSession, vault: Vault, origin: Origin, application: Application) -> bool:
    try:
        async with savepoint(session):
            await registration.register(session, vault, origin, application=application)
    except EmailTaken:
        return False
    return True


def _takes_over_guest(owner: CustomerRow, application: Application) -> bool:
    return not owner.has_password and application.password_hash is not None


async def _send(
    session: AsyncSession,
    vault: Vault,
    organization: Organization,
    owner: CustomerRow,
    application: Application,
    *,
    claims: bool,
    taken: bool,
) -> None:
    claim = {
        "password_hash": application.password_hash,
        "profile": {name: value for name, value in asdict(application.personal).items() if name not in NAMES},
        "newsletter": application.newsletter,
        "login_name": application.login_name.name if application.login_name else None,
        "address": _address_of(application),
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
        personal=replace(personal, locale=personal.locale or application.personal.locale),
        template=Template.ALREADY_REGISTERED if taken else Template.VERIFY_EMAIL,
        **({} if taken else {"token": issued.token, "code": issued.code}),
    )


def _address_of(application: Application) -> dict[str, Any] | None:
    first = application.address
    if first is None:
        return None
    wanted = [kind.value for kind in first.wanted]
    return {"country": first.country, "typed": asdict(first.typed), "wanted": wanted}


async def prove(
    session: AsyncSession, vault: Vault, origin: Origin, customer: EditedCustomer, claim: Mapping[str, Any] | None
) -> list[AppError]:
    """Mark a locked customer's address as proven and let the claim that was proven with it win.

    Return why the claim's postal address was not written, said of `address`: it keeps nobody out.

    The password and the sessions of an account whose address was never proven are void from here on. An account
    that has a proven address and a password already is not changed by any claim. Raise `LoginNameTaken` when somebody
    else was faster: then nothing is written, and a registration with another name is as good as the first.
    """
    row, organization = customer.row, origin.principal.organization
    warnings: list[AppError] = []
    opens = claim is not None and row.email_verified_at is None
    if claim is not None and not (row.email_verified_at and row.sealed_password):
        warnings = await _apply(session, vault, origin, customer, claim)
    if opens and row.approval == Approval.PENDING.value and customer.personal.email:
        email = customer.personal.email
        await registration.ask_for_approval(session, vault, organization, customer_id=row.id, email=email)
    row.email_verified_at = row.email_verified_at or now()
    await repository.save(session, vault, customer)
    await ordering.attach_to(session, vault, customer)
    return warnings


async def _apply(
    session: AsyncSession, vault: Vault, origin: Origin, customer: EditedCustomer, claim: Mapping[str, Any]
) -> list[AppError]:
    row, proven = customer.row, customer.row.email_verified_at is not None
    profile = {name: value for name, value in claim["profile"].items() if value is not None}
    customer.personal, _ = changed(customer.personal, profile)
    row.newsletter = claim["newsletter"] or (proven and row.newsletter)
    if claim["password_hash"]:
        await repository.set_password(session, vault, row, claim["password_hash"])
        if origin.principal.organization.settings.approval:
            row.approval = row.approval or Approval.PENDING.value
    elif not proven:
        row.sealed_password = None
    await sessions.end_all(
        session, organization_id=row.organization_id, customer_id=row.id, reason=EndReason.EMAIL_PROVEN
    )
    if claim.get("login_name"):
        await _name(session, vault, customer, LoginName.parse(claim["login_name"]))
    return await _add_address(session, vault, origin, row.id, claim["address"]) if claim.get("address") else []


async def _add_address(
    session: AsyncSession, vault: Vault, origin: Origin, customer_id: UUID, claimed: Mapping[str, Any]
) -> list[AppError]:
    """Write the address; it was looked at when it was typed, and what holds since then must not keep the owner out."""
    address = _first(claimed)
    try:
        async with savepoint(session):
            await registration.add_address(
                session, vault, origin, customer_id=customer_id, address=address, strictness="warn"
            )
    except Rejected as rejected:
        refused = rejected.errors
    except AppError as error:
        refused = [error]
    else:
        return []
    return [error.at("address", *(error.field or ())) for error in refused]


def _first(claimed: Mapping[str, Any]) -> FirstAddress:
    wanted = frozenset(AddressType(kind) for kind in claimed["wanted"])
    return FirstAddress(claimed["country"], AddressFields(**claimed["typed"]), wanted)


async def _name(session: AsyncSession, vault: Vault, customer: EditedCustomer, name: LoginName) -> None:
    row, kind = customer.row, IdentifierKind.LOGIN_NAME
    await identifiers.release(session, customer_id=row.id, kind=kind)
    if not await identifiers.take(
        session, vault, organization_id=row.organization_id, kind=kind, canonical=name.canonical, owner=row.id
    ):
        raise LoginNameTaken("This login name was taken in the meantime. Register again with another one.")
    customer.personal = replace(customer.personal, login_name=name.name)
