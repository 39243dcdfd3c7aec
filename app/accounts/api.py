"""GraphQL mutations for registration, login, sessions and passwords."""

from dataclasses import replace
from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import passwords, pending_registrations, refreshing, registration
from app.accounts.inputs import ChangePasswordInput, LoginInput, RefreshTokenInput, RegisterInput, raw_registration
from app.accounts.login import LoginAttempt, log_in, step_of_refusal
from app.accounts.mail_limits import admit_mail
from app.accounts.next_steps import next_step
from app.accounts.passwords import RawPasswordChange
from app.accounts.payloads import (
    ChangePasswordPayload,
    LoginPayload,
    LogoutEverywherePayload,
    LogoutPayload,
    RefreshTokenPayload,
    RegisterPayload,
)
from app.accounts.policy import AccountPolicy
from app.accounts.refreshing import RefreshRequest
from app.accounts.registration import AlreadyLoggedIn, NextStep
from app.accounts.sessions import answer_as_customer, hand_out_tokens, replace_cookie, start_login_session
from app.customers import repository
from app.customers.api import to_customer
from app.customers.fields import repository as extra_fields
from app.customers.newsletter import UnsubscribeLinks, send_newsletter_welcome
from app.customers.notices import notify
from app.customers.records import open_row
from app.identity.guessing import device_tokens
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.proofs import repository as proofs
from app.identity.proofs.purposes import Purpose
from app.identity.sessions import service as sessions
from app.identity.sessions.service import EndReason, LoginSessions, TokenPair
from app.identity.sessions.tokens import TokenExpired, TokenInvalid
from app.platform.audit.log import Action, record
from app.platform.errors import AppError, NotFound
from app.platform.graphql.access import ANYBODY, CUSTOMER, GUEST
from app.platform.graphql.context import Context
from app.platform.graphql.fields import mutation
from app.platform.graphql.user_errors import as_user_errors, user_errors
from app.platform.limits.rates import RateLimits
from app.platform.mail.templates import Template
from app.platform.principal import CallerKind

# Mailed before the password was changed: each could undo that.
OUTDATED_PURPOSES = (Purpose.RESET_PASSWORD, Purpose.CHANGE_EMAIL, Purpose.VERIFY_EMAIL, Purpose.DATA_EXPORT)


@strawberry.type
class AccountMutations:
    """Mutations that create an account, start or end a session, or change a password."""

    @mutation(
        allow=[GUEST, CUSTOMER],
        description="Open an account. While addresses have to be proven, a taken and a free one are answered alike.",
        credentials=True,
    )
    async def register(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RegisterInput, strawberry.argument(description="The new account.")],
    ) -> RegisterPayload:
        """Check all fields and hash the password before anything is written.

        `pending_registrations.submit` has the table of the outcomes. Its `DONE` becomes here:

        | `approval` of the organization | Password | `nextStep`     | Customer | Tokens and device token |
        |--------------------------------|----------|----------------|----------|-------------------------|
        | on                             | any      | AWAIT_APPROVAL | yes      | no                      |
        | off                            | none     | DONE           | yes      | no                      |
        | off                            | given    | DONE           | yes      | yes                     |
        """
        if context.principal.kind is CallerKind.CUSTOMER:
            raise AlreadyLoggedIn
        organization = context.organization
        new_account = await registration.check(
            context.services.get(PasswordHasher),
            raw_registration(input),
            settings=organization.settings,
            extras=await extra_fields.by_organization(context.store, organization.id),
            password_min_length=context.services.get(AccountPolicy).password_min_length_for(organization.settings),
        )
        if organization.settings.require_verified_email:
            await admit_mail(
                context.services.get(RateLimits),
                Template.VERIFY_EMAIL,
                organization_id=organization.id,
                email=new_account.email,
            )
        vault = context.store.vault
        result = await pending_registrations.submit(session, vault, context.origin, new_account=new_account)
        customer = result.customer
        action = Action.CUSTOMER_REGISTERED if result.is_new else Action.REGISTRATION_REPEATED
        record(session, context.origin, action, customer_id=customer.id)
        warnings = as_user_errors(new_account.warnings)
        if result.next_step is NextStep.VERIFY_EMAIL:
            return RegisterPayload(next_step=NextStep.VERIFY_EMAIL, registration_token=result.token, warnings=warnings)
        customer_record = open_row(customer, await vault.cipher(customer.id))
        if new_account.newsletter:
            links = context.services.get(UnsubscribeLinks)
            await send_newsletter_welcome(session, vault, links, organization=organization, customer=customer_record)
        payload = RegisterPayload(
            next_step=NextStep.DONE,
            customer=to_customer(customer_record),
            registration_token=result.token,
            warnings=warnings,
        )
        if organization.settings.approval:
            payload.next_step = NextStep.AWAIT_APPROVAL
        elif new_account.password_hash is not None:
            session_id, payload.tokens = await start_login_session(context, session, customer.id)
            answer_as_customer(context, customer_record, session_id)
            payload.device_token = device_tokens.issue(vault.fingerprints, customer_id=customer.id)
        return payload

    @mutation(
        allow=[GUEST, CUSTOMER],
        description="Log in. An unknown name and a wrong password are answered alike, and cost the same time.",
        credentials=True,
    )
    async def login(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[LoginInput, strawberry.argument(description="Name and password.")],
    ) -> LoginPayload:
        """Return refusals, never raise them: the failure must be committed. `log_in` has the table of the outcomes."""
        origin = replace(context.origin, device_token=input.device_token or context.origin.device_token)
        outcome = await log_in(
            session,
            context.store,
            context.services.get(PasswordHasher),
            context.services.get(LoginSessions),
            LoginAttempt(origin, input.identifier, input.password, by_cookie=context.cookie.asked),
            guessing=context.services.get(GuessingPolicy),
        )
        if isinstance(outcome, AppError):
            return LoginPayload(user_errors=user_errors(outcome), next_step=step_of_refusal(outcome))
        payload = LoginPayload(
            next_step=next_step(context.organization.settings, outcome.customer.personal),
            customer=to_customer(outcome.customer),
            tokens=await hand_out_tokens(context, session, outcome.session_id, outcome.tokens),
            device_token=outcome.device_token,
        )
        answer_as_customer(context, outcome.customer, outcome.session_id)
        return payload

    @mutation(
        allow=[GUEST, CUSTOMER],
        description="Exchange a refresh token for new tokens. It may be repeated for 30 seconds, and for as long as "
        "the new refresh token was not used, with the same outcome; later it ends the session.",
        credentials=True,
        refresh=True,
    )
    async def refresh_token(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RefreshTokenInput, strawberry.argument(description="The token.")],
    ) -> RefreshTokenPayload:
        """Return the error of a replay, never raise it: the end of the session must be committed.

        Who asks for a cookie goes on with one in the same session, and the new refresh token is handed to nobody.
        """
        login_sessions = context.services.get(LoginSessions)
        try:
            outcome = await refreshing.refresh(
                session,
                context.store.vault,
                login_sessions,
                context.services.get(RateLimits),
                RefreshRequest(context.origin, input.refresh_token),
            )
        except TokenExpired as expired:
            # The only refusal with something beside `userErrors`.
            return RefreshTokenPayload(user_errors=user_errors(expired), ended_reason=EndReason.EXPIRED)
        if outcome.tokens is None:
            errors = user_errors(TokenInvalid(field=("refreshToken",)))
            return RefreshTokenPayload(user_errors=errors, ended_reason=outcome.ended_reason)
        tokens: TokenPair | None = outcome.tokens
        if context.cookie.asked and outcome.customer_id is not None:
            tokens = await login_sessions.issue_again(
                session,
                organization_id=context.organization.id,
                customer_id=outcome.customer_id,
                session_id=outcome.session_id,
                by_cookie=True,
            )
        assert tokens is not None  # noqa: S101 - the session is locked and lives
        return RefreshTokenPayload(tokens=await hand_out_tokens(context, session, outcome.session_id, tokens))

    @mutation(
        allow=ANYBODY,
        description="End the session that the access token names, even an expired one: the token and its refresh "
        "token are dead at the next request. Always succeeds.",
    )
    async def logout(self, context: Context, session: AsyncSession) -> LogoutPayload:
        """A guest without any token has no session to end."""
        context.cookie.clear()
        dead, principal = context.dead_session, context.principal
        session_id = dead.session_id if dead else principal.session_id
        if session_id is None:
            return LogoutPayload()
        ended = await sessions.end(
            session,
            organization_id=context.organization.id,
            owner_id=dead.owner_id if dead else principal.own_session_owner_id,
            session_id=session_id,
            reason=EndReason.LOGGED_OUT,
        )
        if ended is not None:
            record(session, context.origin, Action.SESSION_ENDED, customer_id=ended.customer_id, object_id=session_id)
        return LogoutPayload()

    @mutation(
        allow=[CUSTOMER],
        description="End all sessions of the customer, this one included. A change of the email address that was "
        "requested and not confirmed is void.",
        session_may_end=True,
    )
    async def logout_everywhere(self, context: Context, session: AsyncSession) -> LogoutEverywherePayload:
        """End all sessions with one statement and return how many there were."""
        customer_id = context.principal.own_customer_id
        ended = await sessions.end_all(
            session,
            organization_id=context.organization.id,
            customer_id=customer_id,
            reason=EndReason.LOGGED_OUT_EVERYWHERE,
        )
        # Whoever had one of these sessions, and the password, could otherwise still move the account away.
        await proofs.revoke(session, customer_id=customer_id, purposes=[Purpose.CHANGE_EMAIL, Purpose.NOTHING])
        record(session, context.origin, Action.SESSION_ENDED)
        return LogoutEverywherePayload(ended_sessions=ended)

    @mutation(
        allow=[CUSTOMER],
        description="Change the password. All other sessions of the customer end.",
        credentials=True,
        session_may_end=True,
    )
    async def change_password(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[ChangePasswordInput, strawberry.argument(description="Old and new.")],
    ) -> ChangePasswordPayload:
        """Verify the old password and hash the new one before anything is locked, and look again under the lock."""
        customer_id = context.principal.own_customer_id
        customer = await context.load(repository.by_ids, customer_id)
        if customer is None:
            raise NotFound
        hasher = context.services.get(PasswordHasher)
        password_change = await passwords.check_change(
            context.store,
            hasher,
            context.services.get(GuessingPolicy),
            context.origin,
            customer=customer,
            raw=RawPasswordChange(input.current_password, input.new_password, input.new_password_confirmation),
            min_length=context.services.get(AccountPolicy).password_min_length_for(context.organization.settings),
        )
        errors = await passwords.record_outcome(session, password_change)
        if errors or password_change.password_hash is None:
            return ChangePasswordPayload(user_errors=as_user_errors(errors))
        vault, proof = context.store.vault, password_change.proof
        proven = await passwords.lock_proven(
            session, vault, hasher, context.origin, proof=proof, raw=input.current_password
        )
        if proven is None:
            refused = passwords.wrong_password().with_field("currentPassword")
            return ChangePasswordPayload(user_errors=user_errors(refused))
        await passwords.change(
            session,
            vault,
            proven,
            password_hash=password_change.password_hash,
            keep=context.principal.session_id,
        )
        await proofs.revoke(session, customer_id=customer_id, purposes=OUTDATED_PURPOSES)
        await replace_cookie(context, session)
        await notify(
            session,
            vault,
            organization=context.organization,
            customer_id=customer_id,
            personal=proven.personal,
            template=Template.PASSWORD_CHANGED,
        )
        record(session, context.origin, Action.PASSWORD_CHANGED, object_id=customer_id)
        return ChangePasswordPayload()
