"""What a proof can be for."""

from datetime import timedelta
from enum import Enum
from typing import Self


class Purpose(Enum):
    """The act a proof allows: its name, the prefix of its tokens, how long it lives, whether it has a short code."""

    VERIFY_EMAIL = ("VERIFY_EMAIL", "ve", timedelta(hours=24), True)
    RESET_PASSWORD = ("RESET_PASSWORD", "pr", timedelta(minutes=30), False)
    CHANGE_EMAIL = ("CHANGE_EMAIL", "ec", timedelta(hours=24), True)
    UNDO_EMAIL_CHANGE = ("UNDO_EMAIL_CHANGE", "eu", timedelta(days=7), False)
    # Written so that a refused act costs what an accepted one costs; it opens nothing.
    NOTHING = ("NOTHING", "no", timedelta(hours=24), True)

    prefix: str
    lifetime: timedelta
    has_code: bool

    def __new__(cls, name: str, prefix: str, lifetime: timedelta, has_code: bool) -> Self:  # noqa: FBT001 - the rows above are a table
        """Take the name that is stored, and the rest."""
        member = object.__new__(cls)
        member._value_ = name
        member.prefix = prefix
        member.lifetime = lifetime
        member.has_code = has_code
        return member
