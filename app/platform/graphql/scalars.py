"""Scalars whose form on the wire is part of the contract."""

from datetime import UTC, datetime

import strawberry
from strawberry.types.scalar import ScalarDefinition


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse_moment(value: object) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        message = "A point in time is written with its zone, as in 2026-01-31T12:00:00Z."
        raise ValueError(message)
    return moment.astimezone(UTC)


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A point in time, ISO 8601, UTC, with milliseconds: `2026-01-31T12:00:00.000Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_moment,
        parse_value=_parse_moment,
    ),
}
