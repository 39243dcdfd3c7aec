"""GraphQL types and queries of forms."""

from typing import Annotated

import strawberry

import app.customers.fields.api  # noqa: F401 - describes FieldType, which the forms below show
from app.accounts.forms import fields, typed_values
from app.accounts.forms.fields import FormField as Field
from app.accounts.policy import AccountPolicy
from app.customers import repository as customers
from app.customers.fields import repository as extra_fields
from app.customers.fields.field_types import FieldType
from app.platform.graphql.access import ANYBODY, CUSTOMER
from app.platform.graphql.context import Context
from app.platform.graphql.fields import query
from app.platform.graphql.user_errors import UserError, as_user_error
from app.platform.languages import language_of

Locale = Annotated[
    str | None,
    strawberry.argument(
        description="The language of labels, such as `de-CH`; English, German, French, Italian, Spanish."
    ),
]


@strawberry.type(description="One of the values of a SELECT.")
class FormOption:
    """GraphQL type of an option, labelled in the language of the form."""

    value: str = strawberry.field(description="What to send.")
    label: str = strawberry.field(description="What to show.")


@strawberry.type(description="A field of a form.")
class FormField:
    """GraphQL type of a form field, from the definition that also validates the input."""

    name: str = strawberry.field(
        description="The name in the mutation's input; of an extra field, in `attributes`; of one of the address, "
        "after `address.`."
    )
    path: list[str] = strawberry.field(description="Where it stands in the input, as `userErrors.field` names it.")
    type: FieldType = strawberry.field(description="How it is shown and typed.")
    label: str = strawberry.field(description="What to write beside it, in the language asked for.")
    required: bool = strawberry.field(description="Whether the form is refused without it.")
    read_only: bool = strawberry.field(description="Whether it is shown only: the mutation takes no such field.")
    min_length: int | None = strawberry.field(
        description="How many characters it must have at least; null where there is no such rule."
    )
    max_length: int | None = strawberry.field(description="How many characters it may have; null where not typed.")
    pattern: str | None = strawberry.field(
        description="What the value must look like from beginning to end, for the `pattern` of an HTML input."
    )
    value: str | None = strawberry.field(description="The current value as text; never that of a password.")
    options: list[FormOption] = strawberry.field(description="For SELECT: what can be chosen.")
    error: UserError | None = strawberry.field(
        description="What is wrong with the value by today's rules, such as a required one that is missing: what the "
        "mutation would answer, in the language of the labels."
    )


@strawberry.type(description="A form.")
class Form:
    """GraphQL type of a form."""

    fields: list[FormField] = strawberry.field(description="The fields, in the order in which to show them.")
    terms_url: str | None = strawberry.field(description="Where the terms can be read that `acceptTerms` is about.")


@strawberry.input(description="What is typed into a field so far.")
class FormValueInput:
    """The value of a form field as text."""

    name: str = strawberry.field(description="The name of the field.")
    value: str | None = strawberry.field(description="The value as text.", default=None)


def graphql_form(found: list[Field], locale: str | None, terms_url: str | None = None) -> Form:
    """The GraphQL object of a form: its errors are in the language of its labels."""
    return Form(fields=[_graphql_field(one, language_of(locale)) for one in found], terms_url=terms_url)


def _graphql_field(found: Field, language: str) -> FormField:
    return FormField(
        name=found.name,
        path=list(found.path),
        type=found.type,
        label=found.label,
        required=found.required,
        read_only=found.read_only,
        min_length=found.min_length,
        max_length=found.max_length,
        pattern=found.pattern,
        value=found.value,
        options=[FormOption(value=one.value, label=one.label) for one in found.options],
        error=as_user_error(found.error.in_language(language)) if found.error else None,
    )


@strawberry.type
class FormQueries:
    """Queries of forms."""

    @query(allow=ANYBODY, description="The fields of `register`, as this organization wants them.")
    async def registration_form(
        self,
        context: Context,
        locale: Locale = None,
        values: Annotated[
            list[FormValueInput] | None,
            strawberry.argument(
                description="What is typed so far: these fields come back with the `error` that `register` would "
                "answer, passwords empty. Send it by POST."
            ),
        ] = None,
        address: Annotated[  # noqa: FBT002 - GraphQL passes arguments by name
            bool,
            strawberry.argument(
                description="Whether the fields of the first address are listed too, in the form of the country in "
                "`values`. They are required only where an address is sent."
            ),
        ] = False,
    ) -> Form:
        """Writes nothing, and does not check whether an address or login name is taken."""
        settings, locale = context.organization.settings, locale or context.locale
        extras = await extra_fields.by_organization(context.store, context.organization.id)
        min_length = context.services.get(AccountPolicy).password_min_length_for(settings)
        found = fields.registration(settings, extras, locale=locale, password_min_length=min_length)
        typed = {one.name: one.value for one in values or []}
        if address:
            country, is_business = typed_values.country(typed), typed_values.is_business(typed)
            found += fields.first_address(country, is_business=is_business, locale=locale)
        return graphql_form(
            typed_values.with_values(found, typed, settings, password_min_length=min_length),
            locale,
            settings.terms_url,
        )

    @query(allow=[CUSTOMER], description="The fields of `updateCustomer` with the values of who is logged in.")
    async def profile_form(self, context: Context, locale: Locale = None) -> Form | None:
        """Labels are in the customer's locale unless `locale` is given."""
        customer_id = context.principal.own_customer_id
        found = await context.load(customers.by_ids, customer_id)
        if found is None:
            return None
        extras = await extra_fields.by_organization(context.store, context.organization.id)
        locale = locale or found.personal.locale
        return graphql_form(fields.profile(found, extras, locale=locale), locale)
