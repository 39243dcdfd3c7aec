"""The clock: the current time in the precision that every database keeps."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time in UTC, truncated to milliseconds, which every database stores exactly."""
    current = datetime.now(UTC)
    return current.replace(microsecond=current.microsecond // 1000 * 1000)
