"""Declares, changes and removes the extra fields of an organization."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.fields import labels, patterns, repository
from app.customers.fields.definitions import FieldType
from app.customers.fields.extras import TEXT_MAX, Extra, of_row
from app.customers.fields.tables import ExtraField
from app.platform.clock import now
from app.platform.db.claims import claim
from app.platform.db.columns import new_id
from app.platform.errors import AppError, ErrorCode, Invalid, NotFound, Required
from app.platform.validation import Validation
from app.platform.values import locale, text

MOST = 50
OPTIONS_MOST = 300
LABELS_MOST = 50
POSITION_MAX = 10_000
NAME = re.compile(r"[a-z][A-Za-z0-9_]{0,63}")
TYPES = (FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.CHECKBOX, FieldType.SELECT)


class NameTaken(AppError):
    """The organization has a field of this name, or it is one of the built-in ones."""

    code = ErrorCode.TAKEN
    message = "There is a field with this name already."
    field = ("name",)


class TooManyFields(AppError):
    """More fields than a form can show."""

    code = ErrorCode.LIMIT_REACHED
    message = f"There are {MOST} extra fields already, which is the most. Delete one first."


@dataclass(frozen=True, slots=True)
class Label:
    """A text in one language."""

    locale: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An option as it is declared."""

    value: str
    labels: Sequence[Label]


async def create(session: AsyncSession, *, organization_id: UUID, name: str, given: Mapping[str, Any]) -> Extra:
    """Add a field; raise `Rejected`, `NameTaken`, `TooManyFields`. `given` are the other columns as they were sent."""
    validation = Validation()
    checked_name = validation.require("name", _name, name)
    values = _checked(validation, given)
    _demand(validation, values)
    validation.finish()
    if checked_name in labels.BUILT_IN:
        raise NameTaken
    count = select(func.count()).select_from(ExtraField).where(col(ExtraField.organization_id) == organization_id)
    if (await session.exec(count)).one() >= MOST:
        raise TooManyFields
    moment = now()
    row = ExtraField(
        id=new_id(), organization_id=organization_id, name=checked_name, created_at=moment, updated_at=moment, **values
    )
    if not await claim(session, ExtraField, **row.model_dump()):
        raise NameTaken
    return of_row(row)


async def update(session: AsyncSession, *, organization_id: UUID, field_id: UUID, given: Mapping[str, Any]) -> Extra:
    """Change what is given; name and type stay, as answers are kept by them. Raise `NotFound`, `Rejected`."""
    row = await repository.lock(session, organization_id=organization_id, field_id=field_id)
    if row is None:
        raise NotFound("There is no extra field with this id.", field=("id",))
    validation = Validation()
    values = _checked(validation, given)
    kept = {"type": row.type, "labels": row.labels, "options": row.options, "pattern": row.pattern}
    _demand(validation, {**kept, **values})
    validation.finish()
    for column, value in values.items():
        setattr(row, column, value)
    row.updated_at = now()
    session.add(row)
    return of_row(row)


async def delete(session: AsyncSession, *, organization_id: UUID, field_id: UUID) -> None:
    """Ask for the field no longer; what was answered stays with the people until they clear it. Raise `NotFound`."""
    row = await repository.lock(session, organization_id=organization_id, field_id=field_id)
    if row is None:
        raise NotFound("There is no extra field with this id.", field=("id",))
    await session.delete(row)


def _name(raw: str) -> str:
    value = text(1, 64)(raw)
    if not NAME.fullmatch(value):
        raise Invalid("Start with a small letter; then letters, digits and underscores.")
    return value


def _checked(validation: Validation, given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    parsers: dict[str, Callable[[Any], Any]] = {"pattern": patterns.parse, "max_length": _length, "position": _position}
    for name, parse in parsers.items():
        if values.get(name) is not None:
            values[name] = validation.check(API_NAMES[name], parse, values[name])
    if "labels" in values:
        values["labels"] = _labels(validation, values["labels"], "labels")
    if "options" in values:
        values["options"] = _options(validation, values["options"])
    return values


API_NAMES = {"pattern": "pattern", "max_length": "maxLength", "position": "order"}


def _length(raw: int) -> int:
    if not 1 <= raw <= TEXT_MAX:
        message = f"A number from 1 to {TEXT_MAX}."
        raise Invalid(message)
    return raw


def _position(raw: int) -> int:
    if not 0 <= raw <= POSITION_MAX:
        message = f"A number from 0 to {POSITION_MAX}."
        raise Invalid(message)
    return raw


def _labels(validation: Validation, given: Sequence[Label], *field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in given[:LABELS_MOST]:
        try:
            found[locale(label.locale)] = text(1, 255)(label.text)
        except AppError as error:
            validation.add(error, *field)
    return found


def _options(validation: Validation, given: Sequence[Choice]) -> list[dict[str, Any]]:
    if len(given) > OPTIONS_MOST:
        validation.add(Invalid(f"At most {OPTIONS_MOST} options."), "options")
    found: dict[str, dict[str, str]] = {}
    for choice in given[:OPTIONS_MOST]:
        try:
            value = text(1, 64)(choice.value)
        except AppError as error:
            validation.add(error, "options")
            continue
        if value in found:
            validation.add(Invalid("Each value once."), "options")
        found[value] = _labels(validation, choice.labels, "options")
    return [{"value": value, "labels": of_value} for value, of_value in found.items()]


def _demand(validation: Validation, values: Mapping[str, Any]) -> None:
    kind = FieldType(values["type"])
    if kind not in TYPES:
        validation.add(Invalid("Use TEXT, NUMBER, DATE, CHECKBOX or SELECT."), "type")
    if not values.get("labels") and not validation.failed:
        validation.add(Required("Give a label in at least one language."), "labels")
    if (kind is FieldType.SELECT) != bool(values.get("options")) and not validation.failed:
        validation.add(Required("A SELECT needs options, and nothing else has any."), "options")
    if values.get("pattern") and kind is not FieldType.TEXT:
        validation.add(Invalid("Only a TEXT has a pattern."), "pattern")
