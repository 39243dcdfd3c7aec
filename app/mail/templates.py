"""What mails there are, and what each needs to be written."""

from enum import Enum
from typing import Self


class Template(Enum):
    """One kind of mail: its name, the page of the storefront its link leads to, and the values it needs.

    A template with a page needs a `token`, which becomes part of the link.
    """

    VERIFY_EMAIL = ("VERIFY_EMAIL", "verify-email", "token", "code")
    ALREADY_REGISTERED = ("ALREADY_REGISTERED", None)
    RESET_PASSWORD = ("RESET_PASSWORD", "reset-password", "token")
    PASSWORD_CHANGED = ("PASSWORD_CHANGED", None)
    CONFIRM_NEW_EMAIL = ("CONFIRM_NEW_EMAIL", "confirm-email-change", "token", "code")
    EMAIL_CHANGED = ("EMAIL_CHANGED", "undo-email-change", "token", "new_email")
    LOGIN_NAME_REMINDER = ("LOGIN_NAME_REMINDER", None, "login_name")
    SESSION_REPLAYED = ("SESSION_REPLAYED", None)
    APPROVAL_REQUESTED = ("APPROVAL_REQUESTED", None, "email")
    APPROVED = ("APPROVED", None)
    # `unsubscribe_url` also becomes the List-Unsubscribe header: it must take a POST (RFC 8058).
    NEWSLETTER_WELCOME = ("NEWSLETTER_WELCOME", "unsubscribe", "token", "unsubscribe_url")
    CARD_EXPIRES = ("CARD_EXPIRES", None, "brand", "last4", "expires")

    page: str | None
    values: frozenset[str]

    def __new__(cls, name: str, page: str | None, *values: str) -> Self:
        """Take the name that is stored, the page and the names of the values."""
        member = object.__new__(cls)
        member._value_ = name
        member.page = page
        member.values = frozenset(values)
        return member
