"""GraphQL types, query and mutations of extra fields."""

from dataclasses import fields
from typing import Annotated, Any

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.fields import editing, repository
from app.customers.fields.editing import Label, OptionDeclaration
from app.customers.fields.extras import ExtraFieldDefinition
from app.customers.fields.field_types import FieldType
from app.platform.audit.log import Action, record
from app.platform.graphql import ids
from app.platform.graphql.access import back_office
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import Payload, mutation, query
from app.platform.graphql.ids import Node
from app.platform.principal import Scope

KIND = "ExtraField"
ALLOWED = back_office(Scope.ORGANIZATION_WRITE)
REQUIRED = "Whether an account cannot be opened without an answer; a required CHECKBOX must be ticked."
PATTERN = (
    r"For TEXT: what an answer must look like from beginning to end: characters, `\d`, `\w`, classes such as `[A-Z]`, "
    r"repetitions `?`, `*`, `+`, `{2,4}`, and `|` between whole alternatives; no groups. At most 200 characters."
)
MAX_LENGTH = "For TEXT: how many characters an answer may have; 1,000 unless given, and at most."
ORDER = "Forms show fields with small numbers first."
OPTIONS = "For SELECT, at most 300: what can be chosen."

describe(
    FieldType,
    "How a field is shown and typed, as the `type` of an HTML input.",
    TEXT="A line of text.",
    EMAIL="An email address.",
    PASSWORD="A password, never shown.",
    TEL="A telephone number.",
    URL="A web address.",
    NUMBER="A number such as 12 or 12.5.",
    DATE="A day, `YYYY-MM-DD`.",
    CHECKBOX="`true` or `false`.",
    SELECT="One of the `options`.",
)


@strawberry.type(description="A text in one language.")
class LocalizedText:
    """One language of a label."""

    locale: str = strawberry.field(description="A BCP 47 language tag such as `de` or `de-CH`.")
    text: str = strawberry.field(description="The text in this language.")


@strawberry.type(description="One value of a SELECT, with its labels.")
class ExtraFieldOption:
    """An option with its labels in all languages."""

    value: str = strawberry.field(description="What is stored.")
    labels: list[LocalizedText] = strawberry.field(description="What is shown, by language.")


@strawberry.type(description="A field the organization asks for beside the built-in ones.")
class ExtraField(Node):
    """The definition, with the labels in all languages; a form shows one."""

    name: str = strawberry.field(description="The name in `attributes`; unique in the organization, never changes.")
    type: FieldType = strawberry.field(description="TEXT, NUMBER, DATE, CHECKBOX or SELECT; never changes.")
    required: bool = strawberry.field(description=REQUIRED)
    pattern: str | None = strawberry.field(description=PATTERN)
    max_length: int | None = strawberry.field(description=MAX_LENGTH)
    order: int = strawberry.field(description=ORDER)
    labels: list[LocalizedText] = strawberry.field(description="The labels, by language.")
    options: list[ExtraFieldOption] = strawberry.field(description=OPTIONS)


def to_extra_field(extra: ExtraFieldDefinition) -> ExtraField:
    """The GraphQL object of a definition."""
    return ExtraField(
        id=ids.encode(KIND, extra.id),
        name=extra.name,
        type=extra.type,
        required=extra.required,
        pattern=extra.pattern,
        max_length=extra.max_length,
        order=extra.position,
        labels=_texts(extra.labels),
        options=[ExtraFieldOption(value=one.value, labels=_texts(one.labels)) for one in extra.options],
    )


def _texts(labels: dict[str, str]) -> list[LocalizedText]:
    return [LocalizedText(locale=locale, text=text) for locale, text in labels.items()]


@strawberry.input(description="A text in one language.")
class LocalizedTextInput:
    """One language of a label."""

    locale: str = strawberry.field(description="A BCP 47 language tag such as `de` or `de-CH`.")
    text: str = strawberry.field(description="1 to 255 characters.")


@strawberry.input(description="One value of a SELECT, with its labels.")
class ExtraFieldOptionInput:
    """An option, with its labels."""

    value: str = strawberry.field(description="What is stored, 1 to 64 characters, each once.")
    labels: list[LocalizedTextInput] = strawberry.field(
        description="What is shown, by language; the value itself where there is none.", default_factory=list
    )


@strawberry.input(description="A new extra field; at most 50 for an organization.")
class CreateExtraFieldInput:
    """Input of `createExtraField`."""

    name: str = strawberry.field(
        description="A small letter, then letters, digits, underscores; at most 64; not a built-in field's."
    )
    type: FieldType = strawberry.field(description="TEXT, NUMBER, DATE, CHECKBOX or SELECT.")
    labels: list[LocalizedTextInput] = strawberry.field(description="At least one; best one in English.")
    required: bool = strawberry.field(description=REQUIRED, default=False)
    pattern: str | None = strawberry.field(description=PATTERN, default=None)
    max_length: int | None = strawberry.field(description=MAX_LENGTH, default=None)
    order: int = strawberry.field(description=ORDER, default=0)
    options: list[ExtraFieldOptionInput] = strawberry.field(description=OPTIONS, default_factory=list)


@strawberry.input(description="What to change of an extra field: left away stays, an explicit null clears.")
class UpdateExtraFieldInput:
    """Name and type cannot be changed: stored answers depend on them."""

    id: strawberry.ID = strawberry.field(description="Which extra field.")
    labels: strawberry.Maybe[list[LocalizedTextInput] | None] = strawberry.field(
        description="All labels anew; never null.", default=None
    )
    required: strawberry.Maybe[bool | None] = strawberry.field(description=REQUIRED, default=None)
    pattern: strawberry.Maybe[str | None] = strawberry.field(description=PATTERN, default=None)
    max_length: strawberry.Maybe[int | None] = strawberry.field(description=MAX_LENGTH, default=None)
    order: strawberry.Maybe[int | None] = strawberry.field(description=ORDER, default=None)
    options: strawberry.Maybe[list[ExtraFieldOptionInput] | None] = strawberry.field(
        description="All options anew; never null.", default=None
    )


@strawberry.input(description="The extra field to ask for no longer.")
class DeleteExtraFieldInput:
    """Input of `deleteExtraField`."""

    id: strawberry.ID = strawberry.field(description="Which extra field.")


@strawberry.type(description="The new extra field.")
class CreateExtraFieldPayload(Payload):
    """Payload of `createExtraField`."""

    extra_field: ExtraField | None = strawberry.field(description="The field.", default=None)


@strawberry.type(description="The changed extra field.")
class UpdateExtraFieldPayload(Payload):
    """Payload of `updateExtraField`."""

    extra_field: ExtraField | None = strawberry.field(description="The field as it is now.", default=None)


@strawberry.type(description="What was deleted.")
class DeleteExtraFieldPayload(Payload):
    """Payload of `deleteExtraField`."""

    deleted_extra_field_id: strawberry.ID | None = strawberry.field(description="The id that is no more.", default=None)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """The values under the names of the columns, as the types that `editing` takes."""
    found = {"position" if name == "order" else name: value for name, value in values.items()}
    if "type" in found:
        found["type"] = found["type"].value
    if found.get("labels") is not None:
        found["labels"] = _labels(found["labels"])
    if found.get("options") is not None:
        found["options"] = [OptionDeclaration(one.value, _labels(one.labels)) for one in found["options"]]
    return found


def _labels(input_values: list[LocalizedTextInput]) -> list[Label]:
    return [Label(one.locale, one.text) for one in input_values]


@strawberry.type
class ExtraFieldQueries:
    """Query of the extra fields."""

    @query(allow=ALLOWED, description="All extra fields of the organization, in the order in which forms show them.")
    async def extra_fields(self, context: Context) -> list[ExtraField]:
        """At most 50 for an organization."""
        return [to_extra_field(one) for one in await repository.by_organization(context.store, context.organization.id)]


@strawberry.type
class ExtraFieldMutations:
    """Mutations of extra fields."""

    @mutation(allow=ALLOWED, description="Ask customers for something more; it appears in forms and in `attributes`.")
    async def create_extra_field(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[CreateExtraFieldInput, strawberry.argument(description="The field.")],
    ) -> CreateExtraFieldPayload:
        """The unique index decides whether the name is free."""
        input_values = {one.name: getattr(input, one.name) for one in fields(input) if one.name != "name"}
        extra = await editing.create(
            session, organization_id=context.organization.id, name=input.name, input_values=_columns(input_values)
        )
        record(session, context.origin, Action.EXTRA_FIELD_CREATED, object_id=extra.id)
        return CreateExtraFieldPayload(extra_field=to_extra_field(extra))

    @mutation(allow=ALLOWED, description="Change an extra field; answers that were accepted before stay.")
    async def update_extra_field(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[UpdateExtraFieldInput, strawberry.argument(description="What to change.")],
    ) -> UpdateExtraFieldPayload:
        """Name and type cannot be changed."""
        named = {one.name: getattr(input, one.name) for one in fields(input) if one.name != "id"}
        input_values = {name: value.value for name, value in named.items() if value is not None}
        field_id = ids.decode(KIND, input.id)
        extra = await editing.update(
            session, organization_id=context.organization.id, field_id=field_id, input_values=_columns(input_values)
        )
        record(session, context.origin, Action.EXTRA_FIELD_UPDATED, object_id=field_id, fields=input_values)
        return UpdateExtraFieldPayload(extra_field=to_extra_field(extra))

    @mutation(allow=ALLOWED, description="Ask for a field no longer; answers stay with the customers until cleared.")
    async def delete_extra_field(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[DeleteExtraFieldInput, strawberry.argument(description="Which field.")],
    ) -> DeleteExtraFieldPayload:
        """Only the definition is deleted; answers stay."""
        field_id = ids.decode(KIND, input.id)
        await editing.delete(session, organization_id=context.organization.id, field_id=field_id)
        record(session, context.origin, Action.EXTRA_FIELD_DELETED, object_id=field_id)
        return DeleteExtraFieldPayload(deleted_extra_field_id=ids.encode(KIND, field_id))
