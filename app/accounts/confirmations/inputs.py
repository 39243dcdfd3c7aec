"""GraphQL inputs and payloads of the flows confirmed by mail."""

import strawberry

from app.platform.graphql.fields import Payload
from app.platform.graphql.user_errors import UserError


@strawberry.input(description="The token of the link, or the email address with the short code.")
class VerifyEmailInput:
    """What `verifyEmail` needs: either `token`, or `email` and `code`."""

    token: str | None = strawberry.field(description="From the link in the mail.", default=None)
    email: str | None = strawberry.field(description="The address the code was mailed to.", default=None)
    code: str | None = strawberry.field(description="The six digits from the mail.", default=None)


@strawberry.type(description="Whether the address is proven now.")
class VerifyEmailPayload(Payload):
    """Answer of `verifyEmail`."""

    warnings: list[UserError] = strawberry.field(
        default_factory=list,
        description="Why the postal address that came with the registration was not written, when it can be no more; "
        "the account is open all the same.",
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


@strawberry.type(description="Whether the password was set.")
class ResetPasswordPayload(Payload):
    """Answer of `resetPassword`."""


@strawberry.input(description="The new address, and the password as a proof of who asks.")
class RequestEmailChangeInput:
    """What `requestEmailChange` needs."""

    new_email: str = strawberry.field(description="At most 96 characters.")
    password: str = strawberry.field(description="The password that is valid now.")


@strawberry.type(description="Whether a mail is on its way to the new address.")
class RequestEmailChangePayload(Payload):
    """Answer of `requestEmailChange`."""


@strawberry.input(description="The token of the link or, for the customer who is logged in, the short code.")
class ConfirmEmailChangeInput:
    """What `confirmEmailChange` needs: either `token` or `code`."""

    token: str | None = strawberry.field(description="From the link in the mail.", default=None)
    code: str | None = strawberry.field(description="The six digits from the mail.", default=None)


@strawberry.type(description="Whether the address was changed.")
class ConfirmEmailChangePayload(Payload):
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
