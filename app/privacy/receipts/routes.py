"""Route of the public keys of receipts, for whoever verifies one."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.platform.vault.vault import Store
from app.privacy.receipts.keys import all_keys

KEYS_PATH = "/.well-known/receipt-keys.json"


def routes(store: Store) -> list[Route]:
    """A JSON Web Key Set (RFC 7517) of all keys that ever signed a receipt."""

    async def receipt_keys(_: Request) -> Response:
        keys = [key.jwk for key in await all_keys(store.vault)]
        return JSONResponse({"keys": keys}, headers={"Cache-Control": "public, max-age=300"})

    return [Route(KEYS_PATH, receipt_keys, methods=["GET"])]
