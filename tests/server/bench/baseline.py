"""The baseline: bare routes with the same reads through the raw driver and the same JSON.

It opens no sealed value, formats nothing and checks no caller. It runs in a process of its own, with a file that
contains its answers.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
import uvloop
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.accounts.organizations.callers import _BY_KEY as BY_KEY
from app.accounts.organizations.callers import _BY_LOGIN_SESSION as SIGNED_IN
from app.customers.addresses.repository import _OF_CUSTOMERS as ADDRESSES
from app.customers.payment_methods.repository import _OF_CUSTOMERS as PAYMENT_METHODS
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.reading import SINGLE_ID, Read
from app.server.main import KEEP_ALIVE_SECONDS

POOL_SIZE = 10


@dataclass(frozen=True, slots=True)
class Instructions:
    """The baseline's data: sessions by access token, and the JSON of each operation."""

    url: str
    port: int
    organization_id: str
    key_hash: str
    sessions: dict[str, tuple[str, str]]
    answers: dict[str, Any]

    def write(self, path: Path) -> None:
        """Write them for the baseline process."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Instructions":
        """Read what was written."""
        return cls(**json.loads(path.read_text()))


class _Statement:
    """A read in the driver's form."""

    def __init__(self, read: Read[Any]) -> None:
        compiler = read.select.compile(dialect=dialect(), compile_kwargs={SINGLE_ID: True})  # type: ignore[no-untyped-call]
        self.text = str(compiler)
        names = compiler.positiontup or ()
        self._names = [(name, compiler.binds[name]) for name in names]

    def arguments(self, **given: object) -> list[object]:
        return [given[name] if bind.required else bind.value for name, bind in self._names]


UPDATE = (
    "UPDATE customers SET sealed = $1, version = version + 1, updated_at = $2 WHERE id = $3",
    "INSERT INTO audit_events (owner_id, id, organization_id, customer_id, actor_kind, actor_id, action, object_id,"
    " fields, source, request_id, at) VALUES ($3, $1, $2, $3, 'CUSTOMER', $3, 'customer.updated', NULL,"
    " '[\"firstName\"]', $4, $5, $6)",
)


class Baseline:
    """The three routes."""

    def __init__(self, instructions: Instructions, pool: Any) -> None:
        """Serve as instructed."""
        self._answers = instructions.answers
        self._organization_id = UUID(instructions.organization_id)
        self._key_hash = bytes.fromhex(instructions.key_hash)
        self._sessions = {
            token: (UUID(session), UUID(customer)) for token, (session, customer) in instructions.sessions.items()
        }
        self._pool = pool
        self._by_key, self._signed_in = _Statement(BY_KEY), _Statement(SIGNED_IN)
        self._owned = (_Statement(ADDRESSES), _Statement(PAYMENT_METHODS))

    async def viewer(self, _: Request) -> Response:
        """One read."""
        await self._pool.fetch(self._by_key.text, *self._by_key.arguments(key_hash=self._key_hash, moment=now()))
        return self._answer("Viewer")

    async def me(self, request: Request) -> Response:
        """Three reads."""
        customer_id = await self._customer(request)
        for statement in self._owned:
            arguments = statement.arguments(organization_id=self._organization_id, ids=[customer_id])
            await self._pool.fetch(statement.text, *arguments)
        return self._answer("Me")

    async def update(self, request: Request) -> Response:
        """One read, then a transaction of three statements."""
        customer_id = await self._customer(request)
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow("SELECT * FROM customers WHERE id = $1 FOR UPDATE", customer_id)
            await connection.execute(UPDATE[0], row["sealed"], now(), customer_id)
            await connection.execute(
                UPDATE[1], new_id(), self._organization_id, customer_id, self._key_hash, "request", now()
            )
        return self._answer("UpdateCustomer")

    async def _customer(self, request: Request) -> UUID:
        await request.body()
        session_id, customer_id = self._sessions[request.headers["authorization"][len("Bearer ") :]]
        arguments = self._signed_in.arguments(
            owner_id=customer_id, session_id=session_id, key_hash=self._key_hash, moment=now()
        )
        await self._pool.fetch(self._signed_in.text, *arguments)
        return customer_id

    def _answer(self, name: str) -> Response:
        return Response(orjson.dumps(self._answers[name]), media_type="application/json")


async def _nothing(_: object) -> None:
    """Sessions hold nothing to reset; the pool would send a reset to the server."""


async def serve(instructions: Instructions) -> None:
    """Serve until the process ends."""
    pool = await asyncpg.create_pool(instructions.url, min_size=POOL_SIZE, max_size=POOL_SIZE, reset=_nothing)
    baseline = Baseline(instructions, pool)
    handlers: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "Viewer": baseline.viewer,
        "Me": baseline.me,
        "UpdateCustomer": baseline.update,
    }
    app = Starlette(routes=[Route(f"/{name}", handler, methods=["POST"]) for name, handler in handlers.items()])
    config = uvicorn.Config(
        app,
        port=instructions.port,
        http="httptools",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("ready", flush=True)  # noqa: T201 - read by the process that started this one
    await task


if __name__ == "__main__":
    uvloop.run(serve(Instructions.read(Path(sys.argv[1]))))
