"""GraphQL inputs and payloads of the flows confirmed by mail."""

import strawberry

from app.accounts.payloads import COOKIE_NOTE, DEVICE_TOKEN, Tokens
from app.accounts.registration import NextStep
from app.customers.api import Customer
from app.customers.payload_customers import CustomerPayload
from app.platform.graphql.fields import Payload
from app.platform.graphql.user_errors import UserError

REGISTRATION_TOKEN = (
    "The `registrationToken` that `register` answered in this browser, if it did. Without it the password that was "
    "registered is void: it may be somebody else's."
)


@strawberry.input(description="The token of the link, or the email address with the short code.")
class VerifyEmailInput:
    """What `verifyEmail` needs: either `token`, or `email` and `code`."""

    token: str | None = strawberry.field(description="From the link in the mail.", default=None)
    email: str | None = strawberry.field(description="The address the code was mailed to.", default=None)
    code: str | None = strawberry.field(description="The six digits from the mail.", default=None)
    registration_token: str | None = strawberry.field(description=REGISTRATION_TOKEN, default=None)


@strawberry.type(description="Which address is proven now, and what comes next.")
class VerifyEmailPayload(Payload):
    """Answer of `verifyEmail`. Only the browser that registered is logged in and shown the customer."""

    email: str | None = strawberry.field(description="The address that is proven.", default=None)
    next_step: NextStep | None = strawberry.field(
        description="What comes next; null when nothing was proven.", default=None
    )
    customer: Customer | None = strawberry.field(
        description="The customer, in the browser that registered; else null.", default=None
    )
    tokens: Tokens | None = strawberry.field(
        description="The tokens of a session, in the browser that registered, unless it has one or may not log in yet."
        + COOKIE_NOTE,
        default=None,
    )
    device_token: str | None = strawberry.field(description=DEVICE_TOKEN, default=None)
    password_token: str | None = strawberry.field(
        description="With `CHOOSE_PASSWORD`: the token for `resetPassword`, good for 30 minutes.", default=None
    )
    warnings: list[UserError] = strawberry.field(
        default_factory=list,
        description="Why the postal address or the login name that came with the registration was not written, when "
        "it can be no more; the account is open all the same.",
    )


@strawberry.input(description="The address to be proven.")
class RequestEmailVerificationInput:
    """What `requestEmailVerification` needs."""

    email: str = strawberry.field(description="The email address of the account, in any case.")


@strawberry.type(description="The same for every address.")
class RequestEmailVerificationPayload(Payload):
    """Answer of `requestEmailVerification`."""


@strawberry.input(description="The address of the account.")
class RequestPasswordResetInput:
    """What `requestPasswordReset` needs."""

    email: str = strawberry.field(description="The email address of the account, in any case.")


@strawberry.type(description="The same for every address.")
class RequestPasswordResetPayload(Payload):
    """Answer of `requestPasswordReset`."""


@strawberry.input(description="The token of the link, and the new password.")
class ResetPasswordInput:
    """What `resetPassword` needs."""

    token: str = strawberry.field(description="From the link in the mail.")
    password: str = strawberry.field(description="8 to 128 characters, not a common one.")
    password_confirmation: str = strawberry.field(description="The same password once more.")
    registration_token: str | None = strawberry.field(description=REGISTRATION_TOKEN, default=None)
    accept_terms: bool = strawberry.field(
        description="Whether the terms are agreed to; required for the first password of a customer where the "
        "organization has any and the registration did not agree to them.",
        default=False,
    )
    login_name: str | None = strawberry.field(
        description="A login name, for a customer who has none yet; it cannot be changed later. Another one than the "
        "customer has is `NOT_ALLOWED`.",
        default=None,
    )


@strawberry.type(description="Whether the password was set, and what comes next.")
class ResetPasswordPayload(Payload):
    """Answer of `resetPassword`."""

    next_step: NextStep | None = strawberry.field(
        description="What comes next, such as `LOG_IN` or `AWAIT_APPROVAL`; null when no password was set.",
        default=None,
    )


@strawberry.input(description="The new address, and the password as a proof of who asks.")
class RequestEmailChangeInput:
    """What `requestEmailChange` needs."""

    new_email: str = strawberry.field(description="At most 96 characters.")
    password: str = strawberry.field(description="The password that is valid now.")


@strawberry.type(description="Whether a mail is on its way to the new address.")
class RequestEmailChangePayload(CustomerPayload):
    """Answer of `requestEmailChange`."""


@strawberry.input(description="The token of the link or, for the customer who is logged in, the short code.")
class ConfirmEmailChangeInput:
    """What `confirmEmailChange` needs: either `token` or `code`."""

    token: str | None = strawberry.field(description="From the link in the mail.", default=None)
    code: str | None = strawberry.field(description="The six digits from the mail.", default=None)


@strawberry.type(description="Whether the address was changed.")
class ConfirmEmailChangePayload(CustomerPayload):
    """Answer of `confirmEmailChange`."""


@strawberry.input(description="The token of the link that the old address got.")
class UndoEmailChangeInput:
    """What `undoEmailChange` needs."""

    token: str = strawberry.field(description="From the link in the mail.")


@strawberry.type(description="Whether the old address is back.")
class UndoEmailChangePayload(Payload):
    """Answer of `undoEmailChange`."""


@strawberry.input(description="The address of the account.")
class RequestLoginNameReminderInput:
    """What `requestLoginNameReminder` needs."""

    email: str = strawberry.field(description="The email address of the account, in any case.")


@strawberry.type(description="The same for every address.")
class RequestLoginNameReminderPayload(Payload):
    """Answer of `requestLoginNameReminder`."""
