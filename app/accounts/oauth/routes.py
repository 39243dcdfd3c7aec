"""OAuth over HTTP: token, revocation, and the document that tells clients where they are."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.accounts.oauth.endpoint import GRANT_TYPES, TOKEN_PATH, TokenEndpoint
from app.accounts.oauth.errors import OAuthError
from app.accounts.oauth.requests import Request, read
from app.accounts.organizations.public_keys import ALGORITHMS
from app.platform.principal import Scope

REVOCATION_PATH = "/oauth/revoke"
METADATA_PATH = "/.well-known/oauth-authorization-server"
JWKS_PATH = "/.well-known/jwks.json"
ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# RFC 6749, section 5.1.
UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
# RFC 6749, section 5.2: what a description may not contain.
UNSPEAKABLE = str.maketrans({'"': "'", "\\": "/", "…": "..."})


def routes(endpoint: TokenEndpoint, *, issuer: str, source: Callable[[HttpRequest], bytes]) -> list[Route]:
    """The routes; `source` tells the fingerprint of where a request came from."""

    async def token(request: Request) -> Response:
        return JSONResponse((await endpoint.grant(request)).body, headers=UNCACHED)

    async def revoke(request: Request) -> Response:
        await endpoint.revoke(request)
        return Response(headers=UNCACHED)

    def answering(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[HttpRequest], Awaitable[Response]]:
        async def handler(request: HttpRequest) -> Response:
            try:
                return await answer(await read(request, source=source(request)))
            except OAuthError as refused:
                return _refused(refused)

        return handler

    async def metadata(_: HttpRequest) -> Response:
        return JSONResponse(server_metadata(issuer), headers={"Cache-Control": "public, max-age=300"})

    return [
        Route(TOKEN_PATH, answering(token), methods=ANY_METHOD),
        Route(REVOCATION_PATH, answering(revoke), methods=ANY_METHOD),
        Route(METADATA_PATH, metadata, methods=["GET"]),
    ]


def _refused(refused: OAuthError) -> Response:
    description = refused.description.translate(UNSPEAKABLE).encode("ascii", "replace").decode()
    body = {"error": refused.error, "error_description": description}
    return JSONResponse(body, refused.status, {**UNCACHED, **refused.headers})


def server_metadata(issuer: str) -> dict[str, object]:
    """What a client needs to know (RFC 8414, section 2)."""
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
