"""Reads the moments among the arguments of a query; those of a mutation are fields of its `userErrors`."""

from datetime import datetime

from app.platform.blanks import is_blank
from app.platform.errors import AppError
from app.platform.graphql.access import top_level_error
from app.platform.values import iso_datetime


def moment_argument(name: str, raw: str | None) -> datetime | None:
    """The moment, or None for a blank one; otherwise a top-level `BAD_USER_INPUT`, which names the argument."""
    if raw is None or is_blank(raw):
        return None
    try:
        return iso_datetime(raw)
    except AppError:
        message = f"`{name}` is not a point in time. Write it with its zone, as in 2026-01-31T12:00:00Z."
        raise top_level_error("BAD_USER_INPUT", message) from None
