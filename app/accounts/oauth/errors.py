"""OAuth errors (RFC 6749, section 5.2)."""


class OAuthError(Exception):
    """An error response of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400, **headers: str) -> None:
        """`description` is for the developer of the client; names of `headers` have underscores for hyphens."""
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated, or in the wrong place."""

    def __init__(self, description: str, status: int = 400, **headers: str) -> None:
        """`description` names the parameter."""
        super().__init__("invalid_request", description, status, **headers)


class InvalidGrant(OAuthError):
    """The grant (password, refresh token or assertion) is invalid, used up, revoked, or another client's."""

    def __init__(self, description: str) -> None:
        """`description` must not reveal whether an account exists."""
        super().__init__("invalid_grant", description)


class InvalidClient(OAuthError):
    """Client authentication failed. Unknown clients and wrong secrets get the same error."""

    def __init__(self) -> None:
        """The status is 401, which RFC 6749 requires when the client used the Authorization header."""
        super().__init__(
            "invalid_client", "Unknown client, or wrong secret.", 401, WWW_Authenticate='Basic realm="token"'
        )
