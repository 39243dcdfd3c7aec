"""What GraphQL takes of an account."""

from datetime import date

import strawberry

from app.accounts.registration import FirstAddress, Typed
from app.customers.addresses import inputs as addresses
from app.customers.addresses.inputs import AddressInput
from app.customers.inputs import AttributeInput, answers
from app.platform.errors import NotAllowed

PROFILE = ("first_name", "last_name", "phone", "fax", "company", "birth_date", "locale")


@strawberry.input(description="A new account: an email address, and a password unless it is a guest's.")
class RegisterInput:
    """Profile fields as in `updateCustomer`."""

    email: str = strawberry.field(description="At most 96 characters; unique in the organization in any case.")
    password: str | None = strawberry.field(
        description="8 to 128 characters, not a common one; left away, a guest without password is created.",
        default=None,
    )
    password_confirmation: str | None = strawberry.field(description="The same password once more.", default=None)
    login_name: str | None = strawberry.field(
        description="5 to 64 letters, digits, `.`, `_`, `-`, unique in any case; required where the organization logs "
        "people in by it. It cannot be changed later.",
        default=None,
    )
    accept_terms: bool = strawberry.field(
        description="Whether the terms are agreed to; required for an account where the organization has any.",
        default=False,
    )
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
    attributes: list[AttributeInput] = strawberry.field(
        description="Answers to extra fields; required ones are required for an account.", default_factory=list
    )
    address: AddressInput | None = strawberry.field(
        description="A first address: written with the account, or neither is.", default=None
    )


def typed(given: RegisterInput) -> Typed:
    """What was typed into a registration; raise `NotAllowed` when its address names a customer."""
    return Typed(
        email=given.email,
        password=given.password,
        confirmation=given.password_confirmation,
        login_name=given.login_name,
        accept_terms=given.accept_terms,
        newsletter=given.newsletter,
        profile={name: getattr(given, name) for name in PROFILE},
        attributes=answers(given.attributes),
        address=_first_address(given.address) if given.address else None,
    )


def _first_address(given: AddressInput) -> FirstAddress:
    if given.customer_id is not None:
        raise NotAllowed("The address is the new customer's: leave customerId away.", field=("address", "customerId"))
    return FirstAddress(given.country, addresses.typed(given), addresses.wanted(given))


@strawberry.input(description="A name and a password.")
class LoginInput:
    """What somebody who logs in types."""

    identifier: str = strawberry.field(
        description="The email address or the login name, in any case; the login name only, where it is required."
    )
    password: str = strawberry.field(description="The password.")
    device_token: str | None = strawberry.field(
        description="The `deviceToken` of an earlier login in this browser, unless it comes in `X-Device-Token`.",
        default=None,
    )


@strawberry.input(description="The refresh token to exchange.")
class RefreshTokenInput:
    """What `refreshToken` needs."""

    refresh_token: str = strawberry.field(description="As handed out last by `login` or `refreshToken`.")


@strawberry.input(description="The current password and the new one.")
class ChangePasswordInput:
    """What `changePassword` needs."""

    current_password: str = strawberry.field(description="The password that is valid now.")
    new_password: str = strawberry.field(description="8 to 128 characters, not a common one.")
    new_password_confirmation: str = strawberry.field(description="The new password once more.")
