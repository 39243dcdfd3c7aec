"""Accounts as GraphQL shows them."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts import passwords, registration
from app.accounts.login import Attempt, log_in
from app.accounts.policy import AccountPolicy
from app.accounts.registration import AlreadyLoggedIn, NextStep
from app.audit.log import Action, record
from app.customers import repository
from app.customers.api import Customer, shown
from app.customers.records import open_row, row_of
from app.customers.service import EmailTaken
from app.errors import AppError, NotFound
from app.graphql.access import ANYBODY, CUSTOMER, GUEST
from app.graphql.context import Context
from app.graphql.enums import describe
from app.graphql.fields import Payload, mutation
from app.graphql.user_errors import user_errors
from app.passwords.hashing import PasswordHasher
from app.principal import CallerKind
from app.sessions import service as sessions
from app.sessions.service import EndReason, Sessions
from app.sessions.service import TokenPair as Issued
from app.sessions.tokens import TokenInvalid

describe(
    NextStep,
    "What a new customer does next.",
    DONE="Nothing: with a password, the customer is logged in.",
    LOG_IN="Log in.",
    VERIFY_EMAIL="Open the mail that was sent, to prove the address.",
)


@strawberry.type(description="The tokens of a session.")
class Tokens:
    """What a login hands out."""

    access_token: str = strawberry.field(
        description="A JSON Web Token to send as `Authorization: Bearer …`; lives 15 minutes."
    )
    access_token_expires_at: datetime = strawberry.field(description="When the access token expires.")
    refresh_token: str = strawberry.field(
        description="Opaque, to be exchanged once for new tokens with `refreshToken`; keep it secret."
    )
    refresh_token_expires_at: datetime = strawberry.field(description="When the refresh token expires unused.")


def _tokens(issued: Issued) -> Tokens:
    return Tokens(
        access_token=issued.access_token,
        access_token_expires_at=issued.access_token_expires_at,
        refresh_token=issued.refresh_token,
        refresh_token_expires_at=issued.refresh_token_expires_at,
    )


@strawberry.input(description="A new account: an email address, and a password unless it is a guest's.")
class RegisterInput:
    """Profile fields as in `updateCustomer`."""

    email: str = strawberry.field(description="At most 96 characters; unique in the organization in any case.")
    password: str | None = strawberry.field(
        description="8 to 128 characters, not a common one; left away, a guest without password is created.",
        default=None,
    )
    password_confirmation: str | None = strawberry.field(description="The same password once more.", default=None)
    first_name: str | None = strawberry.field(description="1 to 32 characters.", default=None)
    last_name: str | None = strawberry.field(description="1 to 32 characters.", default=None)
    phone: str | None = strawberry.field(
        description="3 to 32 characters with the country code; stored in E.164 form.", default=None
    )
    fax: str | None = strawberry.field(description="At most 32 characters.", default=None)
    company: str | None = strawberry.field(description="At most 255 characters.", default=None)
    birth_date: date | None = strawberry.field(description="A day in the past.", default=None)
    locale: str | None = strawberry.field(description="A BCP 47 language tag such as `de-CH`.", default=None)
    newsletter: bool = strawberry.field(description="Whether the customer wants the newsletter.", default=False)


PROFILE = ("first_name", "last_name", "phone", "fax", "company", "birth_date", "locale")


@strawberry.type(description="The new account, or the next step to it.")
class RegisterPayload(Payload):
    """Answer of `register`."""

    next_step: NextStep | None = strawberry.field(
        description="What to do next; null when the registration was refused.", default=None
    )
    customer: Customer | None = strawberry.field(
        description="The new customer; null while the address has to be proven first.", default=None
    )
    tokens: Tokens | None = strawberry.field(
        description="The tokens of a first session, when the organization lets people in at once.", default=None
    )


@strawberry.input(description="A name and a password.")
class LoginInput:
    """What somebody who logs in types."""

    identifier: str = strawberry.field(description="The email address, in any case.")
    password: str = strawberry.field(description="The password.")


@strawberry.type(description="The tokens of a new session.")
class LoginPayload(Payload):
    """Answer of `login`."""

    customer: Customer | None = strawberry.field(description="Who logged in.", default=None)
    tokens: Tokens | None = strawberry.field(description="The tokens of the session.", default=None)


@strawberry.input(description="The refresh token to exchange.")
class RefreshTokenInput:
    """What `refreshToken` needs."""

    refresh_token: str = strawberry.field(description="As handed out last by `login` or `refreshToken`.")


@strawberry.type(description="New tokens of the same session.")
class RefreshTokenPayload(Payload):
    """Answer of `refreshToken`."""

    tokens: Tokens | None = strawberry.field(
        description="The new tokens; the exchanged refresh token is used up.", default=None
    )


@strawberry.type(description="The end of the session.")
class LogoutPayload(Payload):
    """Answer of `logout`."""


@strawberry.type(description="The end of all sessions.")
class LogoutEverywherePayload(Payload):
    """Answer of `logoutEverywhere`."""

    ended_sessions: int = strawberry.field(description="How many sessions ended, this one included.", default=0)


@strawberry.input(description="The current password and the new one.")
class ChangePasswordInput:
    """What `changePassword` needs."""

    current_password: str = strawberry.field(description="The password that is valid now.")
    new_password: str = strawberry.field(description="8 to 128 characters, not a common one.")
    new_password_confirmation: str = strawberry.field(description="The new password once more.")


@strawberry.type(description="Whether the password was changed.")
class ChangePasswordPayload(Payload):
    """Answer of `changePassword`."""


@strawberry.type
class AccountMutations:
    """Everything that opens an account or a session, or ends one."""

    @mutation(
        allow=[GUEST, CUSTOMER],
        description="Open an account. While addresses have to be proven, a taken and a free one are answered alike.",
    )
    async def register(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RegisterInput, strawberry.argument(description="The new account.")],
    ) -> RegisterPayload:
        """All fields are looked at and the password is hashed before anything is written."""
        if context.principal.kind is CallerKind.CUSTOMER:
            raise AlreadyLoggedIn
        application = await registration.check(
            context.services.get(PasswordHasher),
            email=input.email,
            password=input.password,
            confirmation=input.password_confirmation,
            profile={name: getattr(input, name) for name in PROFILE},
            newsletter=input.newsletter,
            shortest_password=context.services.get(AccountPolicy).shortest_password,
        )
        organization = context.organization
        try:
            customer = await registration.register(
                session, context.store.vault, organization_id=organization.id, application=application
            )
        except EmailTaken:
            if organization.settings.require_verified_email:
                await session.rollback()
                return RegisterPayload(next_step=NextStep.VERIFY_EMAIL)
            raise
        record(session, context.origin, Action.CUSTOMER_REGISTERED, customer_id=customer.id)
        if organization.settings.require_verified_email:
            return RegisterPayload(next_step=NextStep.VERIFY_EMAIL)
        found = shown(open_row(row_of(customer), await context.store.vault.box(customer.id)))
        if application.password_hash is None:
            return RegisterPayload(next_step=NextStep.DONE, customer=found)
        tokens = await _start(context, session, customer.id)
        return RegisterPayload(next_step=NextStep.DONE, customer=found, tokens=tokens)

    @mutation(
        allow=[GUEST, CUSTOMER],
        description="Log in. An unknown name and a wrong password are answered alike, and cost the same time.",
    )
    async def login(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[LoginInput, strawberry.argument(description="Name and password.")],
    ) -> LoginPayload:
        """A refusal is recorded, so it is returned, not raised."""
        outcome = await log_in(
            session,
            context.store,
            context.services.get(PasswordHasher),
            context.services.get(Sessions),
            Attempt(context.origin, input.identifier, input.password),
        )
        if isinstance(outcome, AppError):
            return LoginPayload(user_errors=user_errors(outcome))
        return LoginPayload(customer=shown(outcome.customer), tokens=_tokens(outcome.tokens))

    @mutation(
        allow=[GUEST, CUSTOMER],
        description="Exchange a refresh token for new tokens. Using one again after 30 seconds ends the session.",
    )
    async def refresh_token(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[RefreshTokenInput, strawberry.argument(description="The token.")],
    ) -> RefreshTokenPayload:
        """A replay must leave its trace, so it is returned, not raised."""
        outcome = await context.services.get(Sessions).refresh(
            session, organization_id=context.organization.id, token=input.refresh_token
        )
        action = Action.SESSION_REFRESHED if outcome.tokens else Action.SESSION_REPLAYED
        record(session, context.origin, action, customer_id=outcome.customer_id, object_id=outcome.session_id)
        if outcome.tokens is None:
            return RefreshTokenPayload(user_errors=user_errors(TokenInvalid(field=("refreshToken",))))
        return RefreshTokenPayload(tokens=_tokens(outcome.tokens))

    @mutation(
        allow=ANYBODY,
        description="End the session of the access token: it and its refresh token are dead at the next request.",
    )
    async def logout(self, context: Context, session: AsyncSession) -> LogoutPayload:
        """A guest has no session to end."""
        principal = context.principal
        if principal.session_id is not None:
            ended = await sessions.end(
                session,
                organization_id=principal.organization.id,
                session_id=principal.session_id,
                reason=EndReason.LOGGED_OUT,
            )
            if ended:
                record(session, context.origin, Action.SESSION_ENDED, object_id=principal.session_id)
        return LogoutPayload()

    @mutation(allow=[CUSTOMER], description="End all sessions of the customer, this one included.")
    async def logout_everywhere(self, context: Context, session: AsyncSession) -> LogoutEverywherePayload:
        """One statement for all of them."""
        customer_id = context.principal.customer_id
        assert customer_id is not None  # noqa: S101 - CUSTOMER principals have one
        ended = await sessions.end_all(
            session,
            organization_id=context.organization.id,
            customer_id=customer_id,
            reason=EndReason.LOGGED_OUT_EVERYWHERE,
        )
        record(session, context.origin, Action.SESSION_ENDED)
        return LogoutEverywherePayload(ended_sessions=ended)

    @mutation(allow=[CUSTOMER], description="Change the password. All other sessions of the customer end.")
    async def change_password(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[ChangePasswordInput, strawberry.argument(description="Old and new.")],
    ) -> ChangePasswordPayload:
        """The old password is proven and the new one hashed before anything is locked."""
        customer_id = context.principal.customer_id
        assert customer_id is not None  # noqa: S101 - CUSTOMER principals have one
        customer = await context.load(repository.by_ids, customer_id)
        if customer is None:
            raise NotFound
        password_hash = await passwords.check_change(
            context.store,
            context.services.get(PasswordHasher),
            customer=customer,
            current=input.current_password,
            new=input.new_password,
            confirmation=input.new_password_confirmation,
            shortest=context.services.get(AccountPolicy).shortest_password,
        )
        await passwords.change(
            session,
            context.store.vault,
            organization_id=context.organization.id,
            customer_id=customer_id,
            password_hash=password_hash,
            keep=context.principal.session_id,
        )
        record(session, context.origin, Action.PASSWORD_CHANGED, object_id=customer_id)
        return ChangePasswordPayload()


async def _start(context: Context, session: AsyncSession, customer_id: UUID) -> Tokens:
    session_id, issued = await context.services.get(Sessions).start_for_customer(
        session,
        organization_id=context.organization.id,
        customer_id=customer_id,
        user_agent=context.origin.user_agent,
    )
    record(session, context.origin, Action.LOGGED_IN, customer_id=customer_id, object_id=session_id)
    return _tokens(issued)
