"""What the proof of an address does to the customer who has it, and to the registrations that waited for it.

| first proof, of | password | sessions | what was typed |
|---|---|---|---|
| the registering browser of the customer | stays | stay | stays |
| the registering browser of a pending registration | that registration's | end | that registration's |
| any other browser | void | end | names, terms, attributes of the only pending registration; else nothing |

What an unproven holder put there is emptied, and what that holder could still confirm is void, unless it is the
holder's own browser. An address that was proven
before is changed by a pending registration only while it is a guest's, and only from the browser that typed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import registration
from app.accounts.registration import FirstAddress
from app.customers import customer_orders, identifiers, repository
from app.customers.addresses import repository as addresses
from app.customers.addresses.defaults import AddressType
from app.customers.addresses.records import AddressDetails as AddressFields
from app.customers.identifiers import IdentifierKind
from app.customers.payment_methods import repository as payment_methods
from app.customers.profile import with_changes
from app.customers.records import Approval, CustomerDetails
from app.customers.repository import LockedCustomer
from app.customers.service import LoginNameTaken
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import SealedProof
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.clock import now
from app.platform.db.writing import savepoint
from app.platform.errors import AppError, AppErrorGroup
from app.platform.principal import RequestOrigin
from app.platform.values import LoginName
from app.platform.vault.vault import Vault

# Where goods and calls go: taken only from the browser that typed it.
DELIVERY_FIELDS = frozenset({"phone", "fax", "company"})
# Issued while somebody else had the account, who could take it back with them. Undoing a change is different: it was
# mailed to somebody who had proven an address, and is that person's last resort.
OUTDATED_PURPOSES = (Purpose.RESET_PASSWORD, Purpose.CHANGE_EMAIL, Purpose.DATA_EXPORT)


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser that proves an address: what it registered (`proofs.about_hash`), and who is or was logged in in it.

    `login_name` is what its person chooses now: it counts more than what was typed into any browser before.
    """

    about: bytes = b""
    customer_id: UUID | None = None
    login_name: LoginName | None = None


@dataclass(slots=True)
class ProofResult:
    """What a proof led to. `same_browser`: the caller is who typed what the account has now.

    `about` is the registration it was proven with, if any; `warnings` say what of it could not be written any more.
    `subscribed`: it asked for the newsletter, and is to be welcomed.
    """

    same_browser: bool
    about: bytes = b""
    subscribed: bool = False
    warnings: list[AppError] = field(default_factory=list)


async def prove(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    customer: LockedCustomer,
    *,
    browser: Browser,
    proof_id: UUID | None = None,
) -> ProofResult:
    """Mark a locked customer's address as proven and save it; guest orders of the address become its own.

    `proof_id` is the proof that was used for it, if it was that of a registration. A login name that somebody else
    got first is left out with a warning, or a stranger could keep the owner from proving the address.
    """
    row, about = customer.row, browser.about
    pending = await proofs.sealed_proofs(
        session, vault, customer_id=row.id, purpose=Purpose.VERIFY_EMAIL, including=proof_id
    )
    own = next((proof for proof in pending if about and proof.about_hash == about), None)
    if row.email_verified_at is None:
        result = await _prove_first(session, vault, origin, customer, browser, own, pending)
    elif own is not None and row.sealed_password is None:
        result = ProofResult(same_browser=True, about=about)
        await _apply(session, vault, origin, customer, _chosen(own.payload, browser), result)
        await _end_sessions(session, row.organization_id, row.id)
    else:
        result = ProofResult(same_browser=browser.customer_id == row.id)
    customer.personal = replace(customer.personal, registration=None)
    row.email_verified_at = row.email_verified_at or now()
    await repository.save(session, vault, customer)
    await customer_orders.attach_guest_orders_of(session, vault, customer)
    return result


async def _prove_first(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    customer: LockedCustomer,
    browser: Browser,
    own: SealedProof | None,
    pending: list[SealedProof],
) -> ProofResult:
    row, typed_by, about = customer.row, customer.personal.registration, browser.about
    is_holder = browser.customer_id == row.id or (bool(about) and typed_by == about.hex())
    if own is None and is_holder:
        return ProofResult(same_browser=True, about=about if typed_by == about.hex() else b"")
    if typed_by is not None:
        await _empty(session, vault, customer)
    row.sealed_password = None
    await _end_sessions(session, row.organization_id, row.id)
    await proofs.revoke(session, customer_id=row.id, purposes=OUTDATED_PURPOSES)
    if own is not None:
        result = ProofResult(same_browser=True, about=about)
        await _apply(session, vault, origin, customer, _chosen(own.payload, browser), result)
        return result
    result = ProofResult(same_browser=False)
    if len(pending) == 1:
        payload = _of_another_browser(pending[0].payload)
        await _apply(session, vault, origin, customer, _chosen(payload, browser), result)
    return result


async def _end_sessions(session: AsyncSession, organization_id: UUID, customer_id: UUID) -> None:
    await sessions.end_all(
        session, organization_id=organization_id, customer_id=customer_id, reason=EndReason.EMAIL_PROVEN
    )


async def _empty(session: AsyncSession, vault: Vault, customer: LockedCustomer) -> None:
    """Take away what somebody typed who never proved the address; what the back office wrote stays, and the orders."""
    row, personal = customer.row, customer.personal
    await payment_methods.erase(session, vault, customer_id=row.id)
    await addresses.erase(session, customer_id=row.id)
    await identifiers.release(session, customer_id=row.id, kind=IdentifierKind.LOGIN_NAME)
    customer.personal = CustomerDetails(email=personal.email, **personal.by_back_office)
    row.newsletter = False
    # A decision of the shop about what a stranger typed is none about the owner.
    row.approval = None


def _of_another_browser(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What may be somebody else's words: without the password, and where goods and calls go."""
    profile = {name: value for name, value in payload["profile"].items() if name not in DELIVERY_FIELDS}
    return {**payload, "profile": profile, "password_hash": None, "address": None}


def _chosen(payload: Mapping[str, Any], browser: Browser) -> Mapping[str, Any]:
    """Without the login name that was typed, where another one is chosen now."""
    return {**payload, "login_name": None} if browser.login_name else payload


async def _apply(
    session: AsyncSession,
    vault: Vault,
    origin: RequestOrigin,
    customer: LockedCustomer,
    payload: Mapping[str, Any],
    result: ProofResult,
) -> None:
    """Write what a registration carried; note in the result what could not be written, and a new subscription."""
    row = customer.row
    profile = {name: value for name, value in payload["profile"].items() if value is not None}
    customer.personal, _ = with_changes(customer.personal, profile)
    result.subscribed = payload["newsletter"] and not row.newsletter
    row.newsletter = payload["newsletter"] or row.newsletter
    if payload["password_hash"]:
        await repository.set_password(session, vault, row, payload["password_hash"])
        await request_approval(session, vault, origin, customer)
    if payload.get("login_name") and customer.personal.login_name is None:
        taken = await assign_login_name(session, vault, customer, LoginName.parse(payload["login_name"]))
        result.warnings += [taken] if taken else []
    if payload.get("address"):
        result.warnings += await _add_address(session, vault, origin, row.id, payload["address"])


async def request_approval(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, customer: LockedCustomer
) -> None:
    """Have a customer wait who has just got a first password, where the organization approves customers."""
    row, organization = customer.row, origin.principal.organization
    if not organization.settings.approval or row.approval is not None:
        return
    row.approval = Approval.PENDING.value
    await registration.notify_of_pending_approval(
        session, vault, organization, customer_id=row.id, email=customer.personal.email or ""
    )


async def assign_login_name(
    session: AsyncSession, vault: Vault, customer: LockedCustomer, name: LoginName
) -> LoginNameTaken | None:
    """Give a locked customer who has none a login name; return why it was not given."""
    if not await identifiers.assign_if_free(
        session,
        vault,
        organization_id=customer.row.organization_id,
        kind=IdentifierKind.LOGIN_NAME,
        canonical=name.canonical,
        owner=customer.row.id,
    ):
        return LoginNameTaken("This login name was taken in the meantime. Choose another one.")
    customer.personal = replace(customer.personal, login_name=name.name)
    return None


async def _add_address(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, customer_id: UUID, address_payload: Mapping[str, Any]
) -> list[AppError]:
    """Write the address; it was looked at when it was typed, and what holds since then must not keep the owner out."""
    address = _load_address(address_payload)
    try:
        async with savepoint(session):
            await registration.add_address(
                session, vault, origin, customer_id=customer_id, address=address, strictness="warn"
            )
    except AppErrorGroup as rejected:
        errors = rejected.errors
    except AppError as error:
        errors = [error]
    else:
        return []
    return [error.with_field("address", *(error.field or ())) for error in errors]


def _load_address(address_payload: Mapping[str, Any]) -> FirstAddress:
    default_types = frozenset(AddressType(kind) for kind in address_payload["wanted"])
    return FirstAddress(address_payload["country"], AddressFields(**address_payload["typed"]), default_types)
