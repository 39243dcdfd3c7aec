"""HTTP routes: webhooks of the payment gateways."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.customers.payment_methods.gateways.interface import Gateways, GatewayUnavailable
from app.platform.graphql.http import BadRequest, read_body
from app.platform.vault.vault import Store

STRIPE_PATH = "/webhooks/stripe"
MAX_EVENT_BYTES = 512 * 1024


def routes(store: Store, gateways: Gateways) -> list[Route]:
    """The webhook routes; Stripe's exists only where Stripe is configured."""
    if not gateways.has("stripe"):
        return []
    # Stripe's library is imported only where it is used.
    from app.customers.payment_methods.stripe_events import InvalidSignature, handle_stripe_event  # noqa: PLC0415

    async def stripe(request: Request) -> Response:
        try:
            body = await read_body(request, MAX_EVENT_BYTES)
            await handle_stripe_event(store, gateways, body, request.headers.get("stripe-signature", ""))
        except BadRequest as refused:
            return Response(status_code=refused.status)
        except InvalidSignature:
            return Response(status_code=400)
        except GatewayUnavailable:
            # Stripe retries the delivery.
            return Response(status_code=503)
        return Response(status_code=200)

    return [Route(STRIPE_PATH, stripe, methods=["POST"])]
