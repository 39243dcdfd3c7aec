"""What OAuth answers when it refuses."""


class OAuthError(Exception):
    """An error answer of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400, **headers: str) -> None:
        """Answer `error` with a text for the developer of the client; `headers` use underscores for hyphens."""
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class InvalidRequest(OAuthError):
    """A parameter is missing, there more than once, or in the wrong place."""

    def __init__(self, description: str, status: int = 400, **headers: str) -> None:
        """Say which."""
        super().__init__("invalid_request", description, status, **headers)


class InvalidGrant(OAuthError):
    """What should have been exchanged for a token is wrong, used up, revoked, or another client's."""

    def __init__(self, description: str) -> None:
        """Say no more than a stranger may know."""
        super().__init__("invalid_grant", description)


class InvalidClient(OAuthError):
    """Client authentication failed: an unknown client and a wrong secret look the same."""

    def __init__(self) -> None:
        """Answer 401, as RFC 6749 asks where the client used the Authorization header."""
        super().__init__(
            "invalid_client", "Unknown client, or wrong secret.", 401, WWW_Authenticate='Basic realm="token"'
        )
