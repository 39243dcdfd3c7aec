"""Custom scalars: how a DateTime and a Date are read and written."""

from datetime import UTC, datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

Date = NewType("Date", str)
"""A day as text. Whoever takes one parses it (`values.iso_date`), so that a wrong day is an error of its field."""


DateTime = NewType("DateTime", str)
"""A moment as text, of an input. Whoever takes one parses it (`values.iso_datetime`), as with `Date`."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = "A day or a moment is written as a string."
        raise ValueError(message)  # noqa: TRY004 - GraphQL turns it into an error of the request
    return value


def _serialize_datetime(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Of outputs, and of inputs.
_DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A point in time, ISO 8601, UTC, with milliseconds: `2026-01-31T12:00:00.000Z`. In an input any "
    "zone is right, and a blank one counts as null.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=_serialize_datetime,
    parse_value=_text,
)
SCALARS: dict[object, ScalarDefinition] = {
    Date: strawberry.scalar(
        name="Date",
        description="A day, ISO 8601: `2026-01-31`. In an input, a blank one counts as null.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=_text,
    ),
    datetime: _DATE_TIME,
    DateTime: _DATE_TIME,
}
