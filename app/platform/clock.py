"""What time it is, in the one form the whole house uses."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, UTC, cut to milliseconds: every database keeps it exactly."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
