"""GraphQL inputs of customers."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import strawberry
from strawberry.scalars import JSON

from app.platform.graphql.fields import back_office_input
from app.platform.graphql.scalars import Date


@strawberry.input(description="An answer to an extra field.")
class AttributeInput:
    """The answer is text, whatever the type of the field."""

    name: str = strawberry.field(description="The name of the extra field.")
    value: str | None = strawberry.field(
        description="A text; `12.5`, `2026-01-31`, `true`, or the value of an option; null clears the answer.",
        default=None,
    )


def attribute_pairs(inputs: Sequence[AttributeInput]) -> list[tuple[str, str | None]]:
    """The answers as pairs of a field's name and a value."""
    return [(one.name, one.value) for one in inputs]


@strawberry.input(one_of=True, description="Names one customer in exactly one way.")
class CustomerBy:
    """Exactly one of the fields is given (@oneOf)."""

    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The global id.", default=None)
    email: strawberry.Maybe[str] = strawberry.field(description="The email address, in any case.", default=None)
    login_name: strawberry.Maybe[str] = strawberry.field(description="The login name, in any case.", default=None)
    shopper_reference: strawberry.Maybe[str] = strawberry.field(description="The shopper reference.", default=None)


@strawberry.input
class ProfileInput:
    """The profile fields that several inputs share. Those after `newsletter` are for integrations only."""

    first_name: strawberry.Maybe[str | None] = strawberry.field(description="1 to 32 characters.", default=None)
    last_name: strawberry.Maybe[str | None] = strawberry.field(description="1 to 32 characters.", default=None)
    phone: strawberry.Maybe[str | None] = strawberry.field(
        description="3 to 32 characters with the country code; stored in E.164 form.", default=None
    )
    fax: strawberry.Maybe[str | None] = strawberry.field(description="At most 32 characters.", default=None)
    company: strawberry.Maybe[str | None] = strawberry.field(description="At most 255 characters.", default=None)
    image_url: strawberry.Maybe[str | None] = strawberry.field(
        description="A web address that starts with https://.", default=None
    )
    birth_date: strawberry.Maybe[Date | None] = strawberry.field(description="A day in the past.", default=None)
    locale: strawberry.Maybe[str | None] = strawberry.field(
        description="A BCP 47 language tag such as `de-CH`.", default=None
    )
    newsletter: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether the customer wants the newsletter.", default=None
    )
    shopper_reference: strawberry.Maybe[str | None] = back_office_input(
        "3 to 128 characters, unique in the organization."
    )
    reference: strawberry.Maybe[str | None] = back_office_input("the id in another system, at most 255 characters.")
    reference_origin: strawberry.Maybe[str | None] = back_office_input(
        "the system of the reference, at most 255 characters."
    )
    tax_exemption_code: strawberry.Maybe[str | None] = back_office_input("at most 255 characters.")
    metadata: strawberry.Maybe[JSON | None] = back_office_input("a JSON object of at most 16 KiB.")


@strawberry.input(description="What to change of a customer: a field left away stays, an explicit null clears it.")
class UpdateCustomerInput(ProfileInput):
    """The profile fields, and the other changeable fields of an existing customer."""

    customer_id: strawberry.ID | None = back_office_input("which customer; a customer changes itself.")
    expected_version: int | None = strawberry.field(
        description="Refuse the change with `CONFLICT` unless the customer still has this `version`.", default=None
    )
    attributes: strawberry.Maybe[list[AttributeInput] | None] = strawberry.field(
        description="Answers to extra fields; those not named stay.", default=None
    )
    email: strawberry.Maybe[str | None] = back_office_input(
        "the new address, which is not proven then. The old and the new address of an account get a mail, and its "
        "sessions end. Customers confirm a new address themselves."
    )
    login_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The name to log in with. A customer who has none chooses one, once; integrations may change it.",
        default=None,
    )


def provided_fields(source: Any, names: frozenset[str]) -> dict[str, Any]:
    """The given `Maybe` fields of an input by name; an explicit null is None."""
    values = {name: getattr(source, name) for name in names}
    return {name: value.value for name, value in values.items() if value is not None}


UPDATABLE_FIELDS = frozenset(field.name for field in fields(UpdateCustomerInput)) - {"customer_id", "expected_version"}
