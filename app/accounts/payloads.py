"""GraphQL payloads of registration, login, token refresh, logout and password change."""

from datetime import datetime

import strawberry

from app.accounts.registration import NextStep
from app.customers.api import Customer
from app.customers.payload_customers import CustomerPayload
from app.identity.sessions.service import EndReason, TokenPair
from app.platform.clock import now
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import Payload
from app.platform.graphql.user_errors import UserError

describe(
    NextStep,
    "What a customer does next.",
    DONE="Nothing: with a password, the customer is logged in.",
    LOG_IN="Log in.",
    VERIFY_EMAIL="Open the mail that was sent, to prove the address.",
    AWAIT_APPROVAL="Wait until the shop has approved the account; then log in.",
    CHOOSE_PASSWORD="Choose a password with `resetPassword` and the `passwordToken`.",
    CHOOSE_LOGIN_NAME="Logged in; choose a login name once, with `updateCustomer`.",
    ACCEPT_TERMS="Logged in; agree to the present terms, with `acceptTerms`.",
)

DEVICE_TOKEN = (
    "Keep it in this browser for 180 days and send it with the next login, as `X-Device-Token` or `deviceToken`: "
    "then guesses of others do not keep the owner out. It opens nothing."
)


COOKIE_NOTE = " Null where the request asked for a session cookie, which is set instead."


@strawberry.type(description="The tokens of a session.")
class Tokens:
    """GraphQL type of an access token and a refresh token."""

    access_token: str = strawberry.field(
        description="A JSON Web Token to send as `Authorization: Bearer …`; lives 15 minutes."
    )
    access_token_expires_at: datetime = strawberry.field(description="When the access token expires.")
    access_token_expires_in: int = strawberry.field(
        description="For how many seconds from now the access token is good, whatever the clock of the client says."
    )
    refresh_token: str = strawberry.field(
        description="Opaque, to be exchanged once for new tokens with `refreshToken`; keep it secret."
    )
    refresh_token_expires_at: datetime = strawberry.field(description="When the refresh token expires unused.")


def graphql_tokens(tokens: TokenPair) -> Tokens:
    """The GraphQL object of tokens that were issued."""
    return Tokens(
        access_token=tokens.access_token,
        access_token_expires_at=tokens.access_token_expires_at,
        access_token_expires_in=max(0, int((tokens.access_token_expires_at - now()).total_seconds())),
        refresh_token=tokens.refresh_token,
        refresh_token_expires_at=tokens.refresh_token_expires_at,
    )


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
        description="The tokens of a first session, when the organization lets people in at once." + COOKIE_NOTE,
        default=None,
    )
    device_token: str | None = strawberry.field(description=DEVICE_TOKEN, default=None)
    registration_token: str | None = strawberry.field(
        description="Keep it in this browser until the address is proven, and send it with `verifyEmail` or "
        "`resetPassword`: only with it what was registered here counts.",
        default=None,
    )
    warnings: list[UserError] = strawberry.field(
        default_factory=list,
        description="Where the first address breaks rules of its country, in an organization that allows it; it was "
        "taken all the same.",
    )


@strawberry.type(description="The tokens of a new session.")
class LoginPayload(Payload):
    """Answer of `login`."""

    customer: Customer | None = strawberry.field(description="Who logged in.", default=None)
    tokens: Tokens | None = strawberry.field(description="The tokens of the session." + COOKIE_NOTE, default=None)
    device_token: str | None = strawberry.field(description=DEVICE_TOKEN, default=None)
    next_step: NextStep | None = strawberry.field(
        description="What comes next: `DONE`, `ACCEPT_TERMS` or `CHOOSE_LOGIN_NAME` once logged in, `VERIFY_EMAIL` or "
        "`AWAIT_APPROVAL` while the right password is not enough; null for a wrong one.",
        default=None,
    )


@strawberry.type(description="New tokens of the same session.")
class RefreshTokenPayload(Payload):
    """Answer of `refreshToken`."""

    tokens: Tokens | None = strawberry.field(
        description="The new tokens; the exchanged refresh token is used up." + COOKIE_NOTE, default=None
    )
    ended_reason: EndReason | None = strawberry.field(
        description="Why the session has ended that the token belongs to; null unless it has.", default=None
    )


@strawberry.type(description="The end of the session.")
class LogoutPayload(Payload):
    """Answer of `logout`."""


@strawberry.type(description="The end of all sessions.")
class LogoutEverywherePayload(CustomerPayload):
    """Answer of `logoutEverywhere`."""

    ended_sessions: int = strawberry.field(description="How many sessions ended, this one included.", default=0)


@strawberry.type(description="Whether the password was changed.")
class ChangePasswordPayload(CustomerPayload):
    """Answer of `changePassword`."""
