"""A test double of Stripe: localstripe in its own process, behind a proxy with idempotency keys and faults."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.customers.payment_methods.gateways.stripe_gateway import StripeAccount

SERVER = "import sys; from aiohttp import web; from localstripe.server import app; "
SERVER += "web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None)"
ID = re.compile(r"(?<=/(?:cus|tok|set))i?_\w+|(?<=/pm)_\w+")
SECRET_KEY = "sk_test_patron"
WEBHOOK_SECRET = "whsec_patron"
CARD_FORM = b"card[number]=4242424242424242&card[exp_month]=11&card[exp_year]=2040&card[cvc]=123"
STARTING_SECONDS = 20


class Fault(Enum):
    """A fault of one request."""

    SILENT = "never reaches Stripe, never answered"
    LOST = "carried out, and the answer is cut off"
    BROKEN = "Stripe answers 500, and remembers that for the key"
    DECLINED = "Stripe answers 402"
    BUSY = "Stripe answers 429"
    REFUSED = "Stripe answers 401"


ERRORS = {
    Fault.BROKEN: (500, {"type": "api_error", "message": "Something went wrong on Stripe's end."}),
    Fault.DECLINED: (402, {"type": "card_error", "code": "expired_card", "message": "Your card has expired."}),
    Fault.BUSY: (429, {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}),
    Fault.REFUSED: (401, {"type": "invalid_request_error", "message": "Invalid API Key provided."}),
}


@dataclass(slots=True)
class ProxiedRequest:
    """A request as the proxy received it."""

    method: str
    path: str
    key: str | None
    version: str | None
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {ID.sub('', self.path)}"


class _Cut(Response):
    """Half a response, then the connection is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"100000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id": "', "more_body": True})


@dataclass(slots=True)
class StripeProxy:
    """A proxy that implements Stripe's idempotency keys, which localstripe does not, and planned faults."""

    stripe_url: str
    url: str = ""
    requests: list[ProxiedRequest] = field(default_factory=list)
    _faults: list[tuple[str, Fault]] = field(default_factory=list)
    _answers: dict[str, tuple[str, bytes, int, bytes]] = field(default_factory=dict)
    _client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=20))

    def plan(self, pattern: str, *faults: Fault) -> None:
        """Let the next requests whose `METHOD path` matches fail, one after the other."""
        self._faults += [(pattern, fault) for fault in faults]

    def requested_paths(self) -> list[str]:
        """The requested paths, without ids."""
        return [str(one) for one in self.requests]

    async def card(self, number: str = "4242424242424242", year: int = 2040) -> str:
        """The token that Stripe.js in the browser makes of a card."""
        card = {"number": number, "exp_month": 11, "exp_year": year, "cvc": "123"}
        return str((await self.direct("payment_methods", {"type": "card", "card": card}))["id"])

    async def confirm(self, session_id: str, number: str = "4242424242424242") -> None:
        """Confirm a setup intent, as Stripe.js does when the customer has filled in the form."""
        await self.direct(f"setup_intents/{session_id}/confirm", {"payment_method": await self.card(number)})

    async def direct(self, path: str, body: object = None) -> Any:
        """Send a request to localstripe directly."""
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        method = "GET" if body is None else "POST"
        answer = await self._client.request(method, f"{self.stripe_url}/v1/{path}", json=body, headers=headers)
        return answer.json()

    async def customer_of(self, method_id: str) -> str | None:
        """The customer that Stripe has attached a payment method to."""
        found: str | None = (await self.direct(f"payment_methods/{method_id}"))["customer"]
        return found

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        key = request.headers.get("idempotency-key")
        proxied = ProxiedRequest(request.method, request.url.path, key, request.headers.get("stripe-version"), body)
        self.requests.append(proxied)
        fault = self._next_fault(f"{proxied.method} {proxied.path}")
        if fault is Fault.SILENT:
            await asyncio.sleep(STARTING_SECONDS)
        status, content = await self._answer(request, proxied, fault)
        return _Cut() if fault is Fault.LOST else Response(content, status, media_type="application/json")

    async def _answer(self, request: Request, proxied: ProxiedRequest, fault: Fault | None) -> tuple[int, bytes]:
        if proxied.key in self._answers:
            path, body, status, content = self._answers[proxied.key]
            if (path, body) != (proxied.path, proxied.body):
                return 400, _error({"type": "idempotency_error", "message": "Keys are for one request only."})
            return status, content
        if fault in ERRORS:
            status, error = ERRORS[fault]
            content = _error(error)
        else:
            status, content = await self._forward(request, proxied)
        if proxied.key and fault not in {Fault.BUSY, Fault.REFUSED}:
            self._answers[proxied.key] = (proxied.path, proxied.body, status, content)
        return status, content

    async def _forward(self, request: Request, proxied: ProxiedRequest) -> tuple[int, bytes]:
        headers = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        url = f"{self.stripe_url}{proxied.path}?{request.url.query}"
        # localstripe makes payment methods of cards only, not of tokens.
        content = proxied.body.replace(b"card[token]=tok_visa", CARD_FORM)
        answer = await self._client.request(proxied.method, url, content=content, headers=headers)
        return answer.status_code, answer.content

    def _next_fault(self, line: str) -> Fault | None:
        for number, (pattern, fault) in enumerate(self._faults):
            if re.search(pattern, line):
                del self._faults[number]
                return fault
        return None

    async def close(self) -> None:
        await self._client.aclose()


def account(proxy: StripeProxy) -> StripeAccount:
    """The shop's account at this Stripe, with short timeouts."""
    return StripeAccount(
        secret_key=SECRET_KEY,
        publishable_key="pk_test_patron",
        webhook_secret=WEBHOOK_SECRET,
        api_base=proxy.url,
        timeout_seconds=1.0,
        deadline_seconds=5.0,
        allowed_types=(),  # localstripe does not know `allowed_payment_method_types` yet.
    )


def _error(error: object) -> bytes:
    return json.dumps({"error": error}).encode()


@contextmanager
def localstripe(folder: Path) -> Iterator[str]:
    """Start localstripe; the URL."""
    port = _free_port()
    environment = {**os.environ, "TMPDIR": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(port)], env=environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def serve_stripe_proxy(stripe_url: str) -> AsyncIterator[StripeProxy]:
    """Serve the proxy on a free port."""
    proxy = StripeProxy(stripe_url)
    methods = ["GET", "POST", "DELETE"]
    application = Starlette(routes=[Route("/{path:path}", proxy.handle, methods=methods)])
    listening = socket.create_server(("127.0.0.1", 0))
    proxy.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(application, log_level="critical", ws="none", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # Not `serve`, which installs signal handlers.
    serving = asyncio.create_task(server._serve([listening]))
    try:
        yield proxy
    finally:
        server.should_exit = True
        await serving
        await proxy.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(STARTING_SECONDS * 20):
        assert process.poll() is None, "localstripe ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError
