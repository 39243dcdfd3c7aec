"""What mails there are, and what each needs to be written."""

from enum import Enum
from typing import NamedTuple


class Template(Enum):
    """One kind of mail; its words stand in `texts/`."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    RESET_PASSWORD = "RESET_PASSWORD"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    CONFIRM_NEW_EMAIL = "CONFIRM_NEW_EMAIL"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    LOGIN_NAME_REMINDER = "LOGIN_NAME_REMINDER"
    SESSION_REPLAYED = "SESSION_REPLAYED"
    APPROVAL_REQUESTED = "APPROVAL_REQUESTED"
    APPROVED = "APPROVED"
    NEWSLETTER_WELCOME = "NEWSLETTER_WELCOME"
    CARD_EXPIRES = "CARD_EXPIRES"

    @property
    def values(self) -> frozenset[str]:
        """The names of the values it needs; those of `outbox.post` must be exactly these."""
        return _NEEDS[self].values

    @property
    def page(self) -> str | None:
        """The page of the storefront its link leads to; the value `token` becomes part of the link."""
        return _NEEDS[self].page


class _Needs(NamedTuple):
    values: frozenset[str] = frozenset()
    page: str | None = None


_NEEDS = {
    Template.VERIFY_EMAIL: _Needs(frozenset({"token", "code"}), "verify-email"),
    Template.ALREADY_REGISTERED: _Needs(),
    Template.RESET_PASSWORD: _Needs(frozenset({"token"}), "reset-password"),
    Template.PASSWORD_CHANGED: _Needs(),
    Template.CONFIRM_NEW_EMAIL: _Needs(frozenset({"token", "code"}), "confirm-email-change"),
    Template.EMAIL_CHANGED: _Needs(frozenset({"token", "new_email"}), "undo-email-change"),
    Template.LOGIN_NAME_REMINDER: _Needs(frozenset({"login_name"})),
    Template.SESSION_REPLAYED: _Needs(),
    Template.APPROVAL_REQUESTED: _Needs(frozenset({"email"})),
    Template.APPROVED: _Needs(),
    # `unsubscribe_url` becomes the List-Unsubscribe header: it must take a POST without a login (RFC 8058).
    Template.NEWSLETTER_WELCOME: _Needs(frozenset({"token", "unsubscribe_url"}), "unsubscribe"),
    Template.CARD_EXPIRES: _Needs(frozenset({"card", "expires"})),
}
