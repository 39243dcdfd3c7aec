"""Mail templates, and the values that each needs."""

from enum import Enum
from typing import NamedTuple


class Template(Enum):
    """One kind of mail; its texts are in `texts/`."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    RESET_PASSWORD = "RESET_PASSWORD"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    CONFIRM_NEW_EMAIL = "CONFIRM_NEW_EMAIL"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    EMAIL_CHANGED_UNPROVEN = "EMAIL_CHANGED_UNPROVEN"
    EMAIL_CHANGED_BY_SHOP = "EMAIL_CHANGED_BY_SHOP"
    LOGIN_NAME_REMINDER = "LOGIN_NAME_REMINDER"
    SESSION_REPLAYED = "SESSION_REPLAYED"
    APPROVAL_REQUESTED = "APPROVAL_REQUESTED"
    APPROVED = "APPROVED"
    NEWSLETTER_WELCOME = "NEWSLETTER_WELCOME"
    CARD_EXPIRES = "CARD_EXPIRES"
    DATA_EXPORT_READY = "DATA_EXPORT_READY"
    ERASURE_REQUESTED = "ERASURE_REQUESTED"
    ERASURE_WITHDRAWN = "ERASURE_WITHDRAWN"
    ERASURE_TO_DECIDE = "ERASURE_TO_DECIDE"
    ERASURE_ACCEPTED = "ERASURE_ACCEPTED"
    ERASURE_DECLINED = "ERASURE_DECLINED"

    @property
    def value_names(self) -> frozenset[str]:
        """The names of the values it needs; `outbox.enqueue` takes exactly these."""
        return _REQUIREMENTS[self].value_names

    @property
    def page(self) -> str | None:
        """The storefront page that its link leads to; the value `token` becomes part of the link."""
        return _REQUIREMENTS[self].page


class _Requirements(NamedTuple):
    value_names: frozenset[str] = frozenset()
    page: str | None = None


_REQUIREMENTS = {
    Template.VERIFY_EMAIL: _Requirements(frozenset({"token", "code"}), "verify-email"),
    Template.ALREADY_REGISTERED: _Requirements(),
    Template.RESET_PASSWORD: _Requirements(frozenset({"token"}), "reset-password"),
    Template.PASSWORD_CHANGED: _Requirements(),
    Template.CONFIRM_NEW_EMAIL: _Requirements(frozenset({"token", "code"}), "confirm-email-change"),
    Template.EMAIL_CHANGED: _Requirements(frozenset({"token", "new_email"}), "undo-email-change"),
    # To an address that was never proven: it is notified, and cannot take the change back.
    Template.EMAIL_CHANGED_UNPROVEN: _Requirements(frozenset({"new_email"})),
    # To the old and to the new address.
    Template.EMAIL_CHANGED_BY_SHOP: _Requirements(frozenset({"new_email"})),
    Template.LOGIN_NAME_REMINDER: _Requirements(frozenset({"login_name"})),
    Template.SESSION_REPLAYED: _Requirements(),
    Template.APPROVAL_REQUESTED: _Requirements(frozenset({"email"})),
    Template.APPROVED: _Requirements(),
    # `unsubscribe_url` becomes the List-Unsubscribe header: it must take a POST without a login (RFC 8058).
    Template.NEWSLETTER_WELCOME: _Requirements(frozenset({"token", "unsubscribe_url"}), "unsubscribe"),
    Template.CARD_EXPIRES: _Requirements(frozenset({"card", "expires"})),
    Template.DATA_EXPORT_READY: _Requirements(frozenset({"token"}), "data-export"),
    Template.ERASURE_REQUESTED: _Requirements(),
    Template.ERASURE_WITHDRAWN: _Requirements(),
    # To the shop, which finds the request in its back office.
    Template.ERASURE_TO_DECIDE: _Requirements(),
    Template.ERASURE_ACCEPTED: _Requirements(),
    Template.ERASURE_DECLINED: _Requirements(frozenset({"reason"})),
}
