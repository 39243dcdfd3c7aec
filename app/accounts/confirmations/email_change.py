"""Email change: takes effect when the new address is verified, and can be undone from the old one for 7 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.login import InvalidCredentials
from app.accounts.passwords import OwnPassword, prove_own_password
from app.customers import email_assignment, repository, undone_changes
from app.customers.email_reservations import reserve
from app.customers.mail_recipients import MailRecipient
from app.customers.notices import notify
from app.customers.records import CustomerDetails, CustomerRecord
from app.customers.repository import LockedCustomer
from app.customers.service import EmailTaken
from app.identity.guessing import attempts
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import UsedProof
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason
from app.platform.clock import now
from app.platform.errors import AppError, ErrorCode, Invalid
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization, RequestOrigin
from app.platform.validation import Validation
from app.platform.values import EmailAddress
from app.platform.vault.vault import Store, Vault

# Within the 7 days in which one can be undone; fewer than the proofs of one purpose that are kept.
MAX_CHANGES = 5
CHANGE, UNDO = Purpose.CHANGE_EMAIL, Purpose.UNDO_EMAIL_CHANGE
# Proofs that were mailed to an address that is not, or no longer, the account's.
OUTDATED_PURPOSES = (
    Purpose.RESET_PASSWORD,
    Purpose.VERIFY_EMAIL,
    Purpose.CHANGE_EMAIL,
    Purpose.DATA_EXPORT,
    Purpose.NOTHING,
)


class ChangedTooOften(AppError):
    """So many changes can still be undone that one more would crowd out the first owner's way back."""

    code: ClassVar[ErrorCode] = ErrorCode.LIMIT_REACHED
    message = "The email address was changed {max} times within a week. Wait a few days, or ask the shop."
    values = MappingProxyType({"max": MAX_CHANGES})


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A request that was looked at; it has `errors`, or an address. Whether the password was right must be counted."""

    proof: OwnPassword
    errors: list[AppError]
    email: EmailAddress | None


async def check(
    store: Store,
    hasher: PasswordHasher,
    guessing: GuessingPolicy,
    origin: RequestOrigin,
    *,
    customer: CustomerRecord,
    new_email: str,
    password: str,
) -> ChangeRequest:
    """Look at the new address and prove the password; raise `RateLimited` (nothing was checked).

    Whoever found somebody else's open browser may guess no faster than a stranger, here as in `changePassword`.
    """
    validation = Validation()
    email = validation.require("newEmail", EmailAddress.parse, new_email)
    if not validation.failed and email.address == customer.personal.email:
        validation.add(Invalid("This is your email address already."), "newEmail")
    proof = await prove_own_password(store, hasher, guessing, origin, customer=customer, password=password)
    if not proof.matches:
        validation.add(wrong_password(), "password")
    return ChangeRequest(proof, validation.errors, None if validation.failed else email)


def wrong_password() -> InvalidCredentials:
    """The refusal of a password that is not the customer's, or is not any more."""
    return InvalidCredentials("This is not your password.")


async def record_outcome(session: AsyncSession, change: ChangeRequest) -> list[AppError]:
    """Count what came of it; a refusal must be committed, so it is returned."""
    proof = change.proof
    rate_limit_error = await (attempts.succeed if proof.matches else attempts.fail)(session, proof.attempt)
    return change.errors if rate_limit_error is None else [rate_limit_error]


async def request(
    session: AsyncSession,
    vault: Vault,
    *,
    organization: Organization,
    customer: CustomerRecord,
    email: EmailAddress,
    holder: MailRecipient,
) -> None:
    """Mail a link and a code to the new address. Nothing changes until one of them is used.

    | Address is taken (1) | `require_verified_email` | Outcome                                            |
    |----------------------|--------------------------|----------------------------------------------------|
    | no                   | any                      | mails CONFIRM_NEW_EMAIL to the new address         |
    | yes                  | on                       | mails ALREADY_REGISTERED to the owner, same answer |
    | yes                  | off                      | raises `EmailTaken`                                |

    (1) Another account has it and may not lose it (`email_assignment.may_lose_email`). Any earlier request is void.
    """
    email_taken = _is_email_taken(holder, customer)
    if email_taken and not organization.settings.require_verified_email:
        raise EmailTaken(field=("newEmail",))
    await proofs.revoke(session, customer_id=customer.row.id, purposes=[CHANGE, Purpose.NOTHING])
    issued = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=customer.row.id,
        purpose=Purpose.NOTHING if email_taken else CHANGE,
        payload={"email": email.address},
    )
    await outbox.enqueue(
        session,
        vault,
        organization=organization,
        customer_id=holder.customer_id if email_taken else customer.row.id,
        to=holder.to if email_taken else email.address,
        locale=holder.locale if email_taken else customer.personal.locale,
        template=Template.ALREADY_REGISTERED if email_taken else Template.CONFIRM_NEW_EMAIL,
        values={} if email_taken else {"token": issued.token, "code": issued.code},
    )


def _is_email_taken(holder: MailRecipient, customer: CustomerRecord) -> bool:
    if holder.record is None or holder.customer_id == customer.row.id:
        return False
    row = holder.record.row
    return not email_assignment.may_lose_email(
        verified=row.email_verified_at is not None, has_password=row.has_password
    )


async def confirm_by_token(session: AsyncSession, vault: Vault, *, organization: Organization, token: str) -> UUID:
    """Change the address with the link's token.

    Raise `ProofInvalid`, `ProofExpired`, `EmailTaken`, `ChangedTooOften`.
    """
    proven = await proofs.use(session, vault, organization_id=organization.id, purpose=CHANGE, token=token)
    if proven.repeated:
        return proven.customer_id
    return await _confirm(session, vault, organization, proven, "token")


async def confirm_by_code(
    session: AsyncSession, vault: Vault, *, organization: Organization, customer_id: UUID, code: str
) -> UUID | None:
    """Change the address with the short code; None for a wrong one, whose counted try must be committed."""
    proven = await proofs.use_code(
        session, vault, organization_id=organization.id, customer_id=customer_id, purpose=CHANGE, code=code
    )
    if proven is None or proven.repeated:
        return proven.customer_id if proven else None
    return await _confirm(session, vault, organization, proven, "code")


async def _confirm(
    session: AsyncSession, vault: Vault, organization: Organization, proven: UsedProof, field: str
) -> UUID:
    customer = await _lock_customer(session, vault, organization, proven)
    if await proofs.count_open(session, customer_id=customer.row.id, purpose=UNDO) >= MAX_CHANGES:
        raise ChangedTooOften(field=(field,))
    before, was_proven = customer.personal, customer.row.email_verified_at is not None
    kept = undone_changes.snapshot(customer, changed_at=now())
    after = EmailAddress.parse(proven.payload["email"])
    attached = await _change_email(session, vault, customer, after, field)
    await proofs.revoke(session, customer_id=customer.row.id, purposes=OUTDATED_PURPOSES, keep=proven.id)
    if before.email is not None and was_proven:
        kept["attached"] = [one.hex for one in attached]
        await _offer_undo(session, vault, organization, customer, before, after, kept)
    elif before.email is not None:
        # Who never proved to have the old address could otherwise take the account from who proved the new one.
        await notify(
            session,
            vault,
            organization=organization,
            customer_id=customer.row.id,
            personal=before,
            template=Template.EMAIL_CHANGED_UNPROVEN,
            new_email=after.address,
        )
    return customer.row.id


async def _offer_undo(
    session: AsyncSession,
    vault: Vault,
    organization: Organization,
    customer: LockedCustomer,
    before: CustomerDetails,
    after: EmailAddress,
    kept: Mapping[str, Any],
) -> None:
    """Mail the proven old address the way back, and reserve it for as long as that can be used.

    `kept` is the account as it was: what came to it since is not the old owner's.
    """
    canonical = EmailAddress.parse(before.email or "").canonical
    if canonical == after.canonical:
        return
    # One for each address: whoever changes it twice must not take the first owner's way back.
    undo = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=customer.row.id,
        purpose=UNDO,
        payload={"email": before.email, **kept},
        about=canonical,
    )
    await reserve(session, vault, organization_id=organization.id, customer_id=customer.row.id, canonical=canonical)
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer.row.id,
        personal=before,
        template=Template.EMAIL_CHANGED,
        token=undo.token,
        new_email=after.address,
    )


async def undo(session: AsyncSession, vault: Vault, origin: RequestOrigin, *, token: str, unusable_hash: str) -> UUID:
    """Give the account its old address back and end every session; raise `ProofInvalid`, `ProofExpired`.

    Of several changes the undo of an earlier one outranks those of later ones, in whatever order they are used: the
    later ones are void, the earlier ones stay good. What it got since then leaves it (`undone_changes`).

    Whoever changed it knew the password: it is replaced by one that nobody knows (`unusable_hash`), and a link to
    choose a new one goes to the old address.
    """
    organization = origin.principal.organization
    proven = await proofs.use(session, vault, organization_id=organization.id, purpose=UNDO, token=token)
    customer = await _lock_customer(session, vault, organization, proven)
    await undone_changes.restore(session, vault, origin, customer, proven.payload)
    email = EmailAddress.parse(proven.payload["email"])
    if customer.row.sealed_password is not None:
        await repository.set_password(session, vault, customer.row, unusable_hash)
    await _change_email(session, vault, customer, email, "token", outranks_unproven=True, undone=True)
    await sessions.end_all(
        session,
        organization_id=organization.id,
        customer_id=customer.row.id,
        reason=EndReason.EMAIL_CHANGE_UNDONE,
    )
    await proofs.revoke(session, customer_id=customer.row.id, purposes=OUTDATED_PURPOSES)
    # Later changes are undone with this one; whoever was moved away earlier can still take the account back.
    await proofs.revoke(session, customer_id=customer.row.id, purposes=[UNDO], issued_after=proven.issued_at)
    reset = await proofs.issue(
        session,
        vault,
        organization_id=organization.id,
        customer_id=customer.row.id,
        purpose=Purpose.RESET_PASSWORD,
    )
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer.row.id,
        personal=customer.personal,
        template=Template.RESET_PASSWORD,
        token=reset.token,
    )
    return customer.row.id


async def _lock_customer(
    session: AsyncSession, vault: Vault, organization: Organization, proven: UsedProof
) -> LockedCustomer:
    customer = await repository.lock(session, vault, organization_id=organization.id, customer_id=proven.customer_id)
    if customer is None:
        raise ProofInvalid
    return customer


async def _change_email(
    session: AsyncSession,
    vault: Vault,
    customer: LockedCustomer,
    email: EmailAddress,
    field: str,
    *,
    outranks_unproven: bool = False,
    undone: bool = False,
) -> list[UUID]:
    try:
        return await email_assignment.assign_verified_email(
            session, vault, customer, email, outranks_unproven=outranks_unproven, undone=undone
        )
    except EmailTaken:
        raise EmailTaken("Another account has this email address by now.", field=(field,)) from None
