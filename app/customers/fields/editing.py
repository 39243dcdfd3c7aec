"""Creates, updates and deletes the extra fields of an organization."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.fields import labels, patterns, repository
from app.customers.fields.extras import TEXT_MAX, ExtraFieldDefinition, definition_from_row
from app.customers.fields.field_types import FieldType
from app.customers.fields.tables import ExtraField
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.errors import AppError, ErrorCode, ErrorRule, Invalid, NotFound, Required
from app.platform.validation import Validation
from app.platform.values import identifier_parser, locale, text_parser

MAX_EXTRA_FIELDS = 50
MAX_OPTIONS = 300
MAX_LABELS = 50
POSITION_MAX = 10_000
NAME = re.compile(r"[a-z][A-Za-z0-9_]{0,63}")
EXTRA_FIELD_TYPES = (FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.CHECKBOX, FieldType.SELECT)


class NameTaken(AppError):
    """The organization has a field with this name, or it is one of the built-in fields."""

    code = ErrorCode.TAKEN
    message = "There is a field with this name already."
    field = ("name",)


class TooManyFields(AppError):
    """The organization already has the maximum number of extra fields."""

    code = ErrorCode.LIMIT_REACHED
    message = "There are {max} extra fields already, which is the most. Delete one first."
    values = MappingProxyType({"max": MAX_EXTRA_FIELDS})


@dataclass(frozen=True, slots=True)
class Label:
    """A label in one language."""

    locale: str
    text: str


@dataclass(frozen=True, slots=True)
class OptionDeclaration:
    """An option as it was sent."""

    value: str
    labels: Sequence[Label]


async def create(
    session: AsyncSession, *, organization_id: UUID, name: str, input_values: Mapping[str, Any]
) -> ExtraFieldDefinition:
    """Add a field; raise `AppErrorGroup`, `NameTaken`, `TooManyFields`.

    `input_values` are the other columns, not yet validated.
    """
    validation = Validation()
    checked_name = validation.require("name", _parse_name, name)
    values = _parse_columns(validation, input_values)
    _require_consistent(validation, values)
    validation.raise_errors()
    if checked_name in labels.BUILT_IN_LABELS:
        raise NameTaken
    count = select(func.count()).select_from(ExtraField).where(col(ExtraField.organization_id) == organization_id)
    if (await session.exec(count)).one() >= MAX_EXTRA_FIELDS:
        raise TooManyFields
    moment = now()
    row = ExtraField(
        id=new_id(), organization_id=organization_id, name=checked_name, created_at=moment, updated_at=moment, **values
    )
    if not await insert_if_absent(session, ExtraField, **row.model_dump()):
        raise NameTaken
    return definition_from_row(row)


async def update(
    session: AsyncSession, *, organization_id: UUID, field_id: UUID, input_values: Mapping[str, Any]
) -> ExtraFieldDefinition:
    """Change the given columns; stored answers depend on name and type. Raise `NotFound`, `AppErrorGroup`."""
    row = await repository.lock(session, organization_id=organization_id, field_id=field_id)
    if row is None:
        raise NotFound("There is no extra field with this id.", field=("id",))
    validation = Validation()
    values = _parse_columns(validation, input_values)
    kept = {"type": row.type, "labels": row.labels, "options": row.options, "pattern": row.pattern}
    _require_consistent(validation, {**kept, **values})
    validation.raise_errors()
    for column, value in values.items():
        setattr(row, column, value)
    row.updated_at = now()
    session.add(row)
    return definition_from_row(row)


async def delete(session: AsyncSession, *, organization_id: UUID, field_id: UUID) -> None:
    """Delete a field; stored answers stay with the customers until they clear them. Raise `NotFound`."""
    row = await repository.lock(session, organization_id=organization_id, field_id=field_id)
    if row is None:
        raise NotFound("There is no extra field with this id.", field=("id",))
    await session.delete(row)


def _parse_name(raw: str) -> str:
    value = text_parser(1, 64)(raw)
    if not NAME.fullmatch(value):
        raise Invalid("Start with a small letter; then letters, digits and underscores.", rule=ErrorRule.PATTERN)
    return value


def _parse_columns(validation: Validation, input_values: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(input_values)
    for name in [name for name in NOT_NULL if name in values and values[name] is None]:
        validation.add(Required(), API_NAMES.get(name, name))
        del values[name]
    parsers: dict[str, Callable[[Any], Any]] = {
        "pattern": patterns.parse,
        "max_length": _parse_max_length,
        "position": _parse_position,
    }
    for name, parse in parsers.items():
        if values.get(name) is not None:
            values[name] = validation.check(API_NAMES[name], parse, values[name])
    if "labels" in values:
        values["labels"] = _parse_labels(validation, values["labels"], "labels")
    if "options" in values:
        values["options"] = _parse_options(validation, values["options"])
    return values


NOT_NULL = ("labels", "required", "position", "options")
API_NAMES = {"pattern": "pattern", "max_length": "maxLength", "position": "order"}


def _parse_max_length(raw: int) -> int:
    if not 1 <= raw <= TEXT_MAX:
        raise Invalid("From {min} to {max}.", rule=ErrorRule.RANGE, min=1, max=TEXT_MAX)
    return raw


def _parse_position(raw: int) -> int:
    if not 0 <= raw <= POSITION_MAX:
        raise Invalid("From {min} to {max}.", rule=ErrorRule.RANGE, min=0, max=POSITION_MAX)
    return raw


def _parse_labels(validation: Validation, input_values: Sequence[Label], *field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in input_values[:MAX_LABELS]:
        try:
            found[locale(label.locale)] = text_parser(1, 255)(label.text)
        except AppError as error:
            validation.add(error, *field)
    return found


def _parse_options(validation: Validation, input_values: Sequence[OptionDeclaration]) -> list[dict[str, Any]]:
    if len(input_values) > MAX_OPTIONS:
        validation.add(Invalid("At most {max} options.", rule=ErrorRule.COUNT, max=MAX_OPTIONS), "options")
    found: dict[str, dict[str, str]] = {}
    for option in input_values[:MAX_OPTIONS]:
        try:
            value = identifier_parser(1, 64)(option.value)
        except AppError as error:
            validation.add(error, "options")
            continue
        if value in found:
            validation.add(Invalid("Each value once."), "options")
        found[value] = _parse_labels(validation, option.labels, "options")
    return [{"value": value, "labels": option_labels} for value, option_labels in found.items()]


def _require_consistent(validation: Validation, values: Mapping[str, Any]) -> None:
    kind = FieldType(values["type"])
    if kind not in EXTRA_FIELD_TYPES:
        validation.add(Invalid("Use TEXT, NUMBER, DATE, CHECKBOX or SELECT.", rule=ErrorRule.OPTION), "type")
    if not values.get("labels") and not validation.failed:
        validation.add(Required("Give a label in at least one language."), "labels")
    if (kind is FieldType.SELECT) != bool(values.get("options")) and not validation.failed:
        validation.add(Required("A SELECT needs options, and nothing else has any."), "options")
    if values.get("pattern") and kind is not FieldType.TEXT:
        validation.add(Invalid("Only a TEXT has a pattern."), "pattern")
