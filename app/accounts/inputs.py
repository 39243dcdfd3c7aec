"""GraphQL inputs of registration, login, token refresh and password change."""

import strawberry

from app.accounts.registration import FirstAddress, RawRegistration
from app.customers.addresses import inputs as addresses
from app.customers.addresses.inputs import AddressInput
from app.customers.inputs import AttributeInput, attribute_pairs
from app.platform.errors import NotAllowed
from app.platform.graphql.scalars import Date

REGISTRATION_PROFILE_FIELDS = ("first_name", "last_name", "phone", "fax", "company", "birth_date", "locale")


@strawberry.input(description="A new account: an email address, and a password unless it is a guest's.")
class RegisterInput:
    """What `register` needs. The profile fields are those of `updateCustomer`."""

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
    birth_date: Date | None = strawberry.field(description="A day in the past.", default=None)
    locale: str | None = strawberry.field(description="A BCP 47 language tag such as `de-CH`.", default=None)
    newsletter: bool = strawberry.field(description="Whether the customer wants the newsletter.", default=False)
    attributes: list[AttributeInput] = strawberry.field(
        description="Answers to extra fields; required ones are required for an account.", default_factory=list
    )
    address: AddressInput | None = strawberry.field(
        description="A first address: written with the account, or neither is.", default=None
    )


def raw_registration(data: RegisterInput) -> RawRegistration:
    """The unchecked registration; raise `NotAllowed` when its address has a `customerId`."""
    return RawRegistration(
        email=data.email,
        password=data.password,
        confirmation=data.password_confirmation,
        login_name=data.login_name,
        accept_terms=data.accept_terms,
        newsletter=data.newsletter,
        profile={name: getattr(data, name) for name in REGISTRATION_PROFILE_FIELDS},
        attributes=attribute_pairs(data.attributes),
        address=_first_address(data.address) if data.address else None,
    )


def _first_address(data: AddressInput) -> FirstAddress:
    if data.customer_id is not None:
        raise NotAllowed("The address is the new customer's: leave customerId away.", field=("address", "customerId"))
    return FirstAddress(data.country, addresses.address_details(data), addresses.default_types(data))


@strawberry.input(description="A name and a password.")
class LoginInput:
    """What `login` needs."""

    identifier: str = strawberry.field(
        description="The email address or the login name, in any case; where login names are required, the address "
        "only of who has none yet."
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
