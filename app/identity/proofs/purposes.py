"""Purposes of one-time proofs.

| Purpose             | Token | Lifetime   | Code | Using it                                                           |
|---------------------|-------|------------|------|--------------------------------------------------------------------|
| `VERIFY_EMAIL`      | `ve_` | 24 hours   | yes  | verifies the address and completes the pending registration        |
| `RESET_PASSWORD`    | `pr_` | 30 minutes | no   | sets a new password, verifies the address, ends all sessions       |
| `CHANGE_EMAIL`      | `ec_` | 24 hours   | yes  | replaces the email address with the one in the payload             |
| `UNDO_EMAIL_CHANGE` | `eu_` | 7 days     | no   | restores the old address, ends all sessions, mails a password link |
| `DATA_EXPORT`       | `dx_` | 7 days     | no   | downloads the export of the customer's data                        |
| `NOTHING`           | `no_` | 24 hours   | yes  | impossible: no operation accepts it, and it is never mailed        |

Codes have 6 digits and allow 10 tries (`repository.MAX_CODE_TRIES`); the link keeps working after that. A customer has
at most one open proof of a purpose, except for `UNDO_EMAIL_CHANGE`: one for each previous address, the earliest of
which outranks the others.
"""

from datetime import timedelta
from enum import Enum
from typing import Self


class Purpose(Enum):
    """What a proof is for: stored name, token prefix, lifetime, and whether it has a short code."""

    # Several may be open at once: each registration of an address has its own, and each mail that is asked for.
    VERIFY_EMAIL = ("VERIFY_EMAIL", "ve", timedelta(hours=24), True)
    RESET_PASSWORD = ("RESET_PASSWORD", "pr", timedelta(minutes=30), False)
    CHANGE_EMAIL = ("CHANGE_EMAIL", "ec", timedelta(hours=24), True)
    UNDO_EMAIL_CHANGE = ("UNDO_EMAIL_CHANGE", "eu", timedelta(days=7), False)
    DATA_EXPORT = ("DATA_EXPORT", "dx", timedelta(days=7), False)
    # Written where an operation is silently refused, so that it costs the same as an accepted one.
    NOTHING = ("NOTHING", "no", timedelta(hours=24), True)

    prefix: str
    lifetime: timedelta
    has_code: bool

    def __new__(cls, name: str, prefix: str, lifetime: timedelta, has_code: bool) -> Self:  # noqa: FBT001 - the rows above are a table
        """Use the name as the enum value and keep the rest as attributes."""
        member = object.__new__(cls)
        member._value_ = name
        member.prefix = prefix
        member.lifetime = lifetime
        member.has_code = has_code
        return member

    @property
    def is_repeatable(self) -> bool:
        """Whether a second use within minutes answers what the first did: of what a double click may send."""
        return self in {Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL, Purpose.DATA_EXPORT}


# A change that was asked for and not confirmed; one that was silently refused looks like any other.
PENDING_EMAIL_CHANGE = (Purpose.CHANGE_EMAIL, Purpose.NOTHING)
