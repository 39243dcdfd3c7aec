"""HTTP routes of OAuth: token endpoint, revocation endpoint, and server metadata (RFC 8414)."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.accounts.oauth.endpoint import GRANT_TYPES, TOKEN_PATH, TokenEndpoint
from app.accounts.oauth.errors import OAuthError
from app.accounts.oauth.requests import OAuthRequest, read_request
from app.accounts.organizations.public_keys import ALGORITHMS
from app.platform.principal import Scope

REVOCATION_PATH = "/oauth/revoke"
METADATA_PATH = "/.well-known/oauth-authorization-server"
JWKS_PATH = "/.well-known/jwks.json"
ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# RFC 6749, section 5.1.
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
# Characters that RFC 6749, section 5.2 does not allow in a description.
DESCRIPTION_ESCAPES = str.maketrans({'"': "'", "\\": "/", "…": "..."})


def routes(endpoint: TokenEndpoint, *, issuer: str, source: Callable[[HttpRequest], bytes]) -> list[Route]:
    """The routes; `source` computes the fingerprint of a request's client address."""

    async def token(request: OAuthRequest) -> Response:
        return JSONResponse((await endpoint.issue_token(request)).body, headers=NO_STORE)

    async def revoke(request: OAuthRequest) -> Response:
        await endpoint.revoke(request)
        return Response(headers=NO_STORE)

    def with_oauth_errors(
        handle: Callable[[OAuthRequest], Awaitable[Response]],
    ) -> Callable[[HttpRequest], Awaitable[Response]]:
        async def handler(request: HttpRequest) -> Response:
            try:
                return await handle(await read_request(request, source=source(request)))
            except OAuthError as error:
                return _error_response(error)

        return handler

    async def metadata(_: HttpRequest) -> Response:
        return JSONResponse(server_metadata(issuer), headers={"Cache-Control": "public, max-age=300"})

    return [
        Route(TOKEN_PATH, with_oauth_errors(token), methods=ALL_METHODS),
        Route(REVOCATION_PATH, with_oauth_errors(revoke), methods=ALL_METHODS),
        Route(METADATA_PATH, metadata, methods=["GET"]),
    ]


def _error_response(error: OAuthError) -> Response:
    description = error.description.translate(DESCRIPTION_ESCAPES).encode("ascii", "replace").decode()
    body = {"error": error.error, "error_description": description}
    return JSONResponse(body, error.status, {**NO_STORE, **error.headers})


def server_metadata(issuer: str) -> dict[str, object]:
    """The authorization server metadata (RFC 8414, section 2)."""
    authentication = ["client_secret_basic", "client_secret_post", "none"]
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": [scope.value for scope in Scope],
        # There is no authorization endpoint: nothing is granted through a browser.
        "response_types_supported": [],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint_auth_methods_supported": authentication,
        "assertion_signing_alg_values_supported": ALGORITHMS,
    }
