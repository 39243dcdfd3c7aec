"""The session cookie of one request: whether it says who calls, and what becomes of it in the response."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CookieChange:
    """The token that the response sets the cookie to, and when it expires; the cookie is cleared without a token."""

    token: str | None = field(repr=False)
    expires_at: datetime | None = None


@dataclass(slots=True)
class SessionCookie:
    """What a request has to do with the session cookie.

    `asked`: whatever signs in sets the cookie and answers no tokens. `clearable`: it came with a cookie that counts or
    is of nobody, and not with one of another organization. `authenticates`: the caller is who the cookie says, or was
    until its session ended. `change`: what the response does to the cookie, if anything.
    """

    asked: bool = False
    clearable: bool = False
    authenticates: bool = False
    change: CookieChange | None = None

    def set(self, token: str, expires_at: datetime) -> None:
        """Set the cookie in the response."""
        self.change = CookieChange(token, expires_at)

    def clear(self) -> None:
        """Clear the cookie in the response, unless it is not ours to clear."""
        if self.clearable:
            self.change = CookieChange(None)

    @contextmanager
    def unchanged_on_failure(self) -> Iterator[None]:
        """Take back what the block did to the cookie when it fails: its transaction was rolled back."""
        before = self.change
        try:
            yield
        except BaseException:
            self.change = before
            raise
