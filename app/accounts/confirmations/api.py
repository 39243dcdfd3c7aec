"""GraphQL mutations for email verification, password reset, email change and the login name reminder."""

import secrets
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.address_proofs import Browser
from app.accounts.confirmations import email_change, password_reset, verification
from app.accounts.confirmations.inputs import (
    ConfirmEmailChangeInput,
    ConfirmEmailChangePayload,
    RequestEmailChangeInput,
    RequestEmailChangePayload,
    RequestEmailVerificationInput,
    RequestEmailVerificationPayload,
    RequestLoginNameReminderInput,
    RequestLoginNameReminderPayload,
    RequestPasswordResetInput,
    RequestPasswordResetPayload,
    ResetPasswordInput,
    ResetPasswordPayload,
    UndoEmailChangeInput,
    UndoEmailChangePayload,
    VerifyEmailInput,
    VerifyEmailPayload,
)
from app.accounts.confirmations.password_reset import RawReset
from app.accounts.confirmations.verification import VerificationResult
from app.accounts.login import awaits_approval
from app.accounts.mail_limits import admit_mail
from app.accounts.next_steps import next_step
from app.accounts.passwords import lock_proven
from app.accounts.payloads import Tokens
from app.accounts.policy import AccountPolicy
from app.accounts.registration import NextStep
from app.accounts.sessions import answer_as_customer, hand_out_tokens, start_login_session
from app.customers import repository
from app.customers.api import to_customer
from app.customers.mail_recipients import (
    MailRecipient,
    decoy_recipient,
    find_mail_recipient,
    lock_mail_recipient,
)
from app.customers.newsletter import UnsubscribeLinks, send_newsletter_welcome
from app.customers.records import open_row, row_of
from app.customers.repository import LockedCustomer
from app.identity.guessing import device_tokens
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.proofs.errors import ProofInvalid
from app.identity.proofs.repository import about_hash
from app.identity.sessions.service import LoginSessions
from app.platform.audit.log import Action, record
from app.platform.errors import AppError, NotFound, Required
from app.platform.graphql.access import CUSTOMER, GUEST, top_level_error
from app.platform.graphql.context import Context
from app.platform.graphql.fields import mutation
from app.platform.graphql.user_errors import as_user_errors, user_errors
from app.platform.limits.rates import RateLimits
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.validation import Validation
from app.platform.values import EmailAddress

NO_ENUMERATION = "An address that nobody has is answered alike, in the same time."


@strawberry.type
class ConfirmationMutations:
    """Mutations that mail a link or code, and those that use one. No GET request uses one up."""

    @mutation(
        allow=[GUEST, CUSTOMER],
        credentials=True,
        description="Prove an email address. In the browser that registered it (`registrationToken`) the customer is "
        "logged in; in another one a password is chosen first, as what was registered may be somebody else's. The same "
        "token answers the same for ten minutes.",
    )
    async def verify_email(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[VerifyEmailInput, strawberry.argument(description="Token, or address and code.")],
    ) -> VerifyEmailPayload:
        """A wrong code uses up a try, so it is returned, not raised."""
        vault = context.store.vault
        browser = Browser(about_hash(vault, input.registration_token or ""), context.browser_customer_id)
        result: VerificationResult | None
        if input.token:
            result = await verification.verify_by_token(
                session, vault, context.origin, token=input.token, browser=browser
            )
        else:
            to = await _find_code_recipient(context, input)
            result = await verification.verify_by_code(
                session, vault, context.origin, to=to, code=input.code or "", browser=browser
            )
            if result is None:
                record(session, context.origin, Action.EMAIL_VERIFICATION_REFUSED, **_about(to))
                return VerifyEmailPayload(user_errors=user_errors(ProofInvalid(field=("code",))))
        if not result.repeated:
            record(session, context.origin, Action.EMAIL_VERIFIED, customer_id=result.customer.row.id)
        if result.subscribed:
            await _welcome_subscriber(context, session, result.customer)
        return await verified_payload(context, session, result)

    @mutation(
        allow=[GUEST, CUSTOMER],
        credentials=True,
        description=f"Mail a link and code that prove an address once more; the last ones stay good. {NO_ENUMERATION}",
    )
    async def request_email_verification(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestEmailVerificationInput, strawberry.argument(description="The address.")],
    ) -> RequestEmailVerificationPayload:
        """A verified address gets no mail; it is handled like an address without an account."""
        to = await _find_recipient(context, session, input.email, Template.VERIFY_EMAIL)
        if to.record is not None and to.record.row.email_verified_at is not None:
            email = EmailAddress.parse(input.email)
            to = decoy_recipient(context.store.vault, organization_id=context.organization.id, email=email)
        await verification.resend(session, context.store.vault, organization=context.organization, to=to)
        record(session, context.origin, Action.EMAIL_VERIFICATION_REQUESTED, **_about(to))
        return RequestEmailVerificationPayload()

    @mutation(
        allow=[GUEST, CUSTOMER],
        credentials=True,
        description=f"Mail a link with which a new password can be chosen for 30 minutes. {NO_ENUMERATION}",
    )
    async def request_password_reset(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestPasswordResetInput, strawberry.argument(description="The address.")],
    ) -> RequestPasswordResetPayload:
        """Guests get a link too: whoever controls the address may take over the guest's account."""
        to = await _find_recipient(context, session, input.email, Template.RESET_PASSWORD)
        await password_reset.request(session, context.store.vault, organization=context.organization, to=to)
        record(session, context.origin, Action.PASSWORD_RESET_REQUESTED, **_about(to))
        return RequestPasswordResetPayload()

    @mutation(
        allow=[GUEST, CUSTOMER],
        credentials=True,
        description="Choose a new password with the token from the mail. Every session ends. The first password of a "
        "customer is a registration: the terms have to be agreed to, and the shop may have to approve.",
    )
    async def reset_password(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[ResetPasswordInput, strawberry.argument(description="Token and password.")],
    ) -> ResetPasswordPayload:
        """The password is checked and hashed before the token is used up."""
        settings = context.organization.settings
        checked = await password_reset.check(
            context.store,
            context.services.get(PasswordHasher),
            organization_id=context.organization.id,
            raw=RawReset(
                input.token,
                input.password,
                input.password_confirmation,
                input.registration_token,
                input.accept_terms,
                input.login_name,
            ),
            min_length=context.services.get(AccountPolicy).password_min_length_for(settings),
        )
        customer, subscribed = await password_reset.reset(session, context.store.vault, context.origin, checked=checked)
        record(session, context.origin, Action.PASSWORD_RESET, customer_id=customer.row.id)
        if subscribed:
            await _welcome_subscriber(context, session, customer)
        waits = awaits_approval(settings, customer.row.approval)
        return ResetPasswordPayload(next_step=NextStep.AWAIT_APPROVAL if waits else NextStep.LOG_IN)

    @mutation(
        allow=[CUSTOMER],
        credentials=True,
        description="Mail a link and a code to a new address. Nothing changes before one of them is used.",
        session_may_end=True,
    )
    async def request_email_change(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestEmailChangeInput, strawberry.argument(description="Address and password.")],
    ) -> RequestEmailChangePayload:
        """The password is proven before anything is locked; a wrong one is counted, so it is returned.

        Under the lock it is looked at again: a reset in the meantime voided only the requests that it found.
        """
        customer_id = context.principal.own_customer_id
        customer = await context.load(repository.by_ids, customer_id)
        if customer is None:
            raise NotFound
        hasher = context.services.get(PasswordHasher)
        change = await email_change.check(
            context.store,
            hasher,
            context.services.get(GuessingPolicy),
            context.origin,
            customer=customer,
            new_email=input.new_email,
            password=input.password,
        )
        errors, email = await email_change.record_outcome(session, change), change.email
        if errors or email is None:
            if email is not None or not change.proof.matches:
                record(session, context.origin, Action.EMAIL_CHANGE_REFUSED)
            return RequestEmailChangePayload(user_errors=as_user_errors(errors))
        await admit_mail(
            context.services.get(RateLimits),
            Template.CONFIRM_NEW_EMAIL,
            organization_id=context.organization.id,
            email=email,
        )
        holder = await find_mail_recipient(context.store, organization_id=context.organization.id, email=email)
        proven = await lock_proven(
            session, context.store.vault, hasher, context.origin, proof=change.proof, raw=input.password
        )
        if proven is None:
            record(session, context.origin, Action.EMAIL_CHANGE_REFUSED)
            refused = email_change.wrong_password().with_field("password")
            return RequestEmailChangePayload(user_errors=user_errors(refused))
        await email_change.request(
            session,
            context.store.vault,
            organization=context.organization,
            customer=customer,
            email=email,
            holder=holder,
        )
        record(session, context.origin, Action.EMAIL_CHANGE_REQUESTED)
        return RequestEmailChangePayload()

    @mutation(
        allow=[GUEST, CUSTOMER],
        credentials=True,
        description="Change the email address with the token or code that the new one got. "
        "The old one is notified and can undo it for 7 days.",
    )
    async def confirm_email_change(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[ConfirmEmailChangeInput, strawberry.argument(description="Token or code.")],
    ) -> ConfirmEmailChangePayload:
        """Return the error of a wrong code, never raise it: the counted try must be committed.

        A code does not identify the customer, so only the customer who is logged in can use one; a token always works.
        """
        vault, organization = context.store.vault, context.organization
        own_id = context.principal.customer_id
        customer_id: UUID | None
        if input.code and not input.token and own_id is not None:
            customer_id = await email_change.confirm_by_code(
                session, vault, organization=organization, customer_id=own_id, code=input.code
            )
            if customer_id is None:
                record(session, context.origin, Action.EMAIL_CHANGE_REFUSED)
                return ConfirmEmailChangePayload(user_errors=user_errors(ProofInvalid(field=("code",))))
        else:
            dead = context.dead_session
            if input.code and not input.token and dead is not None:
                # The customer only has to refresh the access token: say so.
                raise top_level_error(
                    "UNAUTHENTICATED", "Log in again, or refresh the access token.", reason=dead.reason
                )
            customer_id = await email_change.confirm_by_token(
                session, vault, organization=organization, token=_require_token(input.token)
            )
        record(session, context.origin, Action.EMAIL_CHANGED, customer_id=customer_id)
        return ConfirmEmailChangePayload()

    @mutation(
        allow=[GUEST, CUSTOMER],
        credentials=True,
        description="Take an email change back with the token that the old address got, within 7 days. "
        "Every session ends.",
    )
    async def undo_email_change(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[UndoEmailChangeInput, strawberry.argument(description="The token.")],
    ) -> UndoEmailChangePayload:
        """Also mails a password reset link to the old address."""
        customer_id = await email_change.undo(
            session,
            context.store.vault,
            context.origin,
            token=input.token,
            unusable_hash=await context.services.get(PasswordHasher).hash(secrets.token_urlsafe()),
        )
        record(session, context.origin, Action.EMAIL_CHANGE_UNDONE, customer_id=customer_id)
        return UndoEmailChangePayload()

    @mutation(
        allow=[GUEST, CUSTOMER],
        credentials=True,
        description=f"Mail the name to log in with. {NO_ENUMERATION}",
    )
    async def request_login_name_reminder(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RequestLoginNameReminderInput, strawberry.argument(description="The address.")],
    ) -> RequestLoginNameReminderPayload:
        """The mail names the email address where the customer has no login name."""
        to = await _find_recipient(context, session, input.email, Template.LOGIN_NAME_REMINDER)
        personal = to.record.personal if to.record else None
        await outbox.enqueue(
            session,
            context.store.vault,
            organization=context.organization,
            customer_id=to.customer_id,
            to=to.to,
            locale=to.locale,
            template=Template.LOGIN_NAME_REMINDER,
            values={"login_name": (personal and personal.login_name) or to.to},
        )
        record(session, context.origin, Action.LOGIN_NAME_REMINDED, **_about(to))
        return RequestLoginNameReminderPayload()


async def verified_payload(context: Context, session: AsyncSession, result: VerificationResult) -> VerifyEmailPayload:
    """What the browser that proved an address gets: all of it where it registered, else only what comes next."""
    customer, settings = result.customer, context.organization.settings
    has_password = customer.row.sealed_password is not None
    payload = VerifyEmailPayload(email=customer.personal.email, warnings=as_user_errors(result.warnings))
    if not result.same_browser:
        payload.next_step = NextStep.LOG_IN if has_password else NextStep.CHOOSE_PASSWORD
        if not has_password:
            payload.password_token = await _password_token(context, session, customer.row.id)
        return payload
    found = open_row(row_of(customer.row), await context.store.vault.cipher(customer.row.id))
    payload.customer = to_customer(found)
    if awaits_approval(settings, customer.row.approval):
        payload.next_step = NextStep.AWAIT_APPROVAL
        return payload
    payload.next_step = next_step(settings, customer.personal) if has_password else NextStep.DONE
    if has_password and context.principal.customer_id is None:
        session_id, payload.tokens = await _log_in(context, session, result)
        if session_id is None:
            return VerifyEmailPayload(email=payload.email, next_step=NextStep.LOG_IN)
        answer_as_customer(context, found, session_id)
        payload.device_token = device_tokens.issue(context.store.vault.fingerprints, customer_id=customer.row.id)
    return payload


async def _log_in(
    context: Context, session: AsyncSession, result: VerificationResult
) -> tuple[UUID | None, Tokens | None]:
    """The session, None where nobody is logged in, and its tokens unless they are in a cookie.

    The first use of a proof starts a session; a repeated one answers for the same, and not once that has ended.
    """
    customer_id = result.customer.row.id
    if not result.repeated:
        session_id, tokens = await start_login_session(context, session, customer_id)
        await verification.remember_session(session, context.store.vault, result, session_id=session_id)
        return session_id, tokens
    if result.session_id is None:
        return None, None
    issued = await context.services.get(LoginSessions).issue_again(
        session,
        organization_id=context.organization.id,
        customer_id=customer_id,
        session_id=result.session_id,
        by_cookie=context.cookie.asked,
    )
    if issued is None:
        return None, None
    return result.session_id, await hand_out_tokens(context, session, result.session_id, issued)


async def _password_token(context: Context, session: AsyncSession, customer_id: UUID) -> str:
    """Worth what a mailed link is worth: who gets it has just proven to read the mailbox."""
    issued = await password_reset.issue(
        session, context.store.vault, organization_id=context.organization.id, customer_id=customer_id
    )
    return issued.token


async def _find_recipient(context: Context, session: AsyncSession, email: str, template: Template) -> MailRecipient:
    """The locked recipient of a mail that anybody may ask for; raise `RateLimited` when it was asked for too often."""
    parsed, organization_id = _parse_email(email), context.organization.id
    await admit_mail(context.services.get(RateLimits), template, organization_id=organization_id, email=parsed)
    to = await find_mail_recipient(context.store, organization_id=organization_id, email=parsed)
    return await lock_mail_recipient(session, context.store.vault, to, organization_id=organization_id, email=parsed)


def _parse_email(email: str | None) -> EmailAddress:
    validation = Validation()
    parsed = validation.require("email", EmailAddress.parse, email)
    validation.raise_errors()
    return parsed


def _about(to: MailRecipient) -> dict[str, Any]:
    """Whom an audit event is about. Without an account it is kept with the decoy's proof and mail, at the same cost."""
    return {"customer_id": to.customer_id if to.record else None, "owner_id": to.customer_id}


async def _find_code_recipient(context: Context, input: VerifyEmailInput) -> MailRecipient:
    if not input.email and not input.code:
        _require_token(input.token)
    validation = Validation()
    email = validation.require("email", EmailAddress.parse, input.email)
    validation.require("code", str, input.code)
    validation.raise_errors()
    return await find_mail_recipient(context.store, organization_id=context.organization.id, email=email)


def _require_token(token: str | None) -> str:
    if not token:
        missing: AppError = Required(field=("token",))
        raise missing
    return token


async def _welcome_subscriber(context: Context, session: AsyncSession, customer: LockedCustomer) -> None:
    links = context.services.get(UnsubscribeLinks)
    await send_newsletter_welcome(
        session, context.store.vault, links, organization=context.organization, customer=customer
    )
