"""Route of the unsubscribe link: GET shows a confirmation page and changes nothing, POST unsubscribes."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.accounts.newsletters import page, unsubscription
from app.customers.newsletter import UNSUBSCRIBE_PATH, UnsubscribeLinks
from app.platform.languages import language_of, preferred_language
from app.platform.vault.vault import Store


def routes(store: Store, links: UnsubscribeLinks) -> list[Route]:
    """One route for both methods. The body of the POST is ignored: the token in the URL is sufficient."""

    async def unsubscribe(request: Request) -> Response:
        language = language_of(preferred_language(request.headers.get("accept-language", "")))
        token = request.query_params.get("token", "")
        customer_id = links.customer_id_of_token(token)
        if customer_id is None:
            return _html(page.invalid(language), 400)
        if request.method != "POST":
            return _html(page.question(language, token))
        async with store.database.transaction() as session:
            await unsubscription.unsubscribe(session, store.vault, customer_id=customer_id)
        return _html(page.done(language))

    return [Route(UNSUBSCRIBE_PATH, unsubscribe, methods=["GET", "POST"])]


def _html(text: str, status: int = 200) -> Response:
    headers = {"Content-Security-Policy": page.CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)
