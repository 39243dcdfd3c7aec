"""OAuth token response."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token response (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scope: str | None = None
    refresh_token: str | None = None

    @property
    def body(self) -> dict[str, object]:
        """The JSON body, without absent values."""
        body = {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
            "refresh_token": self.refresh_token,
        }
        return {name: value for name, value in body.items() if value is not None}
