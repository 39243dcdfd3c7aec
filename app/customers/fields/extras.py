"""Extra fields: the definition of one, and the validation of answers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from uuid import UUID

from app.customers.fields import patterns
from app.customers.fields.field_types import FieldType, Option, localized_label
from app.customers.fields.tables import ExtraField
from app.platform.blanks import is_blank
from app.platform.errors import AppError, ErrorRule, Invalid, Required
from app.platform.validation import Validation
from app.platform.values import identifier_parser, iso_date

TEXT_MAX = 1000
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")
NUMBER_MAX = 23
DATE_MAX = 10
AttributeAnswers = Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class ExtraFieldDefinition:
    """A declared field; all answers are text: `12.5`, `2026-01-31`, `true`, or the value of an option."""

    id: UUID
    name: str
    type: FieldType
    required: bool
    pattern: str | None
    max_length: int | None
    position: int
    labels: dict[str, str]
    options: tuple[Option, ...]

    @property
    def max_answer_length(self) -> int | None:
        """The maximum number of characters of an answer; None for a CHECKBOX and a SELECT."""
        lengths = {FieldType.TEXT: self.max_length or TEXT_MAX, FieldType.NUMBER: NUMBER_MAX, FieldType.DATE: DATE_MAX}
        return lengths.get(self.type)

    def label(self, locale: str | None) -> str:
        """The label in this language, or the best other one (`localized_label`)."""
        return localized_label(self.labels, locale, self.name)

    def parse(self, raw: str) -> str:
        """Validate and normalize an answer; raise an `AppError`."""
        parsers: dict[FieldType, Callable[[str], str]] = {
            FieldType.NUMBER: _parse_number,
            FieldType.DATE: _parse_date,
            FieldType.CHECKBOX: self._parse_checkbox,
            FieldType.SELECT: self._parse_option,
        }
        value = parsers.get(self.type, self._parse_text)(raw)
        if self.pattern and not patterns.matches(self.pattern, value):
            raise Invalid("This does not have the form it must have.", rule=ErrorRule.PATTERN, pattern=self.pattern)
        return value

    def _parse_text(self, raw: str) -> str:
        return identifier_parser(1, self.max_length or TEXT_MAX)(raw)

    def _parse_checkbox(self, raw: str) -> str:
        if raw not in {"true", "false"}:
            raise Invalid("Send true or false.", rule=ErrorRule.BOOLEAN)
        if self.required and raw == "false":
            raise Required
        return raw

    def _parse_option(self, raw: str) -> str:
        if all(option.value != raw for option in self.options):
            raise Invalid("Choose one of the options.", rule=ErrorRule.OPTION)
        return raw


def _parse_number(raw: str) -> str:
    value = identifier_parser(1, NUMBER_MAX)(raw)
    try:
        if NUMBER.fullmatch(value):
            return format(Decimal(value), "f")
    except InvalidOperation:  # pragma: no cover - `NUMBER` matches valid decimals only
        pass
    raise Invalid("Write a number such as 12 or 12.5.", rule=ErrorRule.NUMBER)


def _parse_date(raw: str) -> str:
    return iso_date(raw).isoformat()


def definition_from_row(row: ExtraField) -> ExtraFieldDefinition:
    """The definition of a row."""
    return ExtraFieldDefinition(
        id=row.id,
        name=row.name,
        type=FieldType(row.type),
        required=row.required,
        pattern=row.pattern,
        max_length=row.max_length,
        position=row.position,
        labels=row.labels,
        options=tuple(Option(one["value"], one["labels"]) for one in row.options),
    )


class UnknownAttribute(Invalid):
    """The organization has no field with this name."""

    message = "There is no field with this name."


def parse_answers(
    validation: Validation, extras: Sequence[ExtraFieldDefinition], answers: AttributeAnswers
) -> dict[str, str | None]:
    """The answers to write, None to clear one; errors go to `["attributes", name]`.

    | The answer  | Field declared, required | Declared, optional | Not declared       |
    | ----------- | ------------------------ | ------------------ | ------------------ |
    | null, blank | `Required`               | cleared            | cleared            |
    | any other   | validated                | validated          | `UnknownAttribute` |
    """
    declared = {extra.name: extra for extra in extras}
    parsed: dict[str, str | None] = {}
    for name, raw in answers:
        blank = raw is None or is_blank(raw)
        try:
            if name in parsed:
                raise Invalid("This field is given twice.")
            if name in declared:
                parsed[name] = _parse_answer(declared[name], None if blank else raw)
            elif blank:
                parsed[name] = None
            else:
                raise UnknownAttribute
        except AppError as error:
            parsed.setdefault(name, None)
            validation.add(error, "attributes", name)
    return parsed


def _parse_answer(extra: ExtraFieldDefinition, raw: str | None) -> str | None:
    if raw is None:
        if extra.required:
            raise Required
        return None
    return extra.parse(raw)


def require_answers(validation: Validation, extras: Sequence[ExtraFieldDefinition], answers: AttributeAnswers) -> None:
    """Add an error for every required field that has no answer at all."""
    names = {name for name, _ in answers}
    for extra in extras:
        if extra.required and extra.name not in names:
            validation.add(Required(), "attributes", extra.name)
