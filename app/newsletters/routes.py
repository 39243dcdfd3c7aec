"""The route of the unsubscribe link: GET asks and consumes nothing, POST ends the newsletter."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.newsletters import ending, page
from app.newsletters.links import UNSUBSCRIBE_PATH, customer_of
from app.vault.vault import Store

TOKEN_MAX = 128


def routes(store: Store) -> list[Route]:
    """One route, both methods. The body of the POST is not read: the token in the address says everything."""

    async def unsubscribe(request: Request) -> Response:
        spoken = page.language(request.headers.get("accept-language", ""))
        token = request.query_params.get("token", "")[:TOKEN_MAX]
        customer_id = customer_of(store.vault.fingerprints, token)
        if customer_id is None:
            return _html(page.invalid(spoken), 400)
        if request.method != "POST":
            return _html(page.question(spoken, token))
        await ending.end(store, customer_id=customer_id)
        return _html(page.done(spoken))

    return [Route(UNSUBSCRIBE_PATH, unsubscribe, methods=["GET", "POST"])]


def _html(text: str, status: int = 200) -> Response:
    headers = {"Content-Security-Policy": page.CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)
