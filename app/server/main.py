"""Serves: settings, open house, HTTP server, and in development the worker beside it."""

import asyncio
import gc
import signal
import socket
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager

import uvicorn

from app.platform.settings import Settings
from app.server.demo import ensure_demo
from app.server.house import House, open_house
from app.server.http import slow_clients
from app.server.web import GRAPHQL, create_web
from app.server.worker import work

SHUTDOWN_SECONDS = 8
KEEP_ALIVE_SECONDS = 20
ALLOCATIONS_BETWEEN_COLLECTIONS = 5_000
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Server(uvicorn.Server):
    """Says when it serves, and lets the house close when it was told to end."""

    def __init__(self, config: uvicorn.Config, endpoint: str) -> None:
        super().__init__(config)
        self._endpoint = endpoint

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _keep_what_was_loaded()
            print(f"ready {self._endpoint}", flush=True)  # noqa: T201 - the contract with whoever started it

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # The library sends itself the signal again afterwards, which kills the process before the worker has
        # finished and the databases are closed.
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; in development migrate, and make the demo, first."""
    async with open_house(settings, migrating=settings.development) as house:
        endpoint = settings.public_url + GRAPHQL
        if settings.development and await ensure_demo(house, endpoint):
            print(f"demo {settings.var_dir / 'demo.json'}", flush=True)  # noqa: T201 - shown once, to the developer
        async with AsyncExitStack() as stack:
            if settings.runs_worker:
                await _start_worker(house, stack)
            await _Server(_configuration(house), endpoint).serve()


def _keep_what_was_loaded() -> None:
    """Take what lives as long as the process out of the garbage collector's sight.

    Every full collection would walk all classes, tables and statements again, a third of the cost of a write.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS)


def _configuration(house: House) -> uvicorn.Config:
    return uvicorn.Config(
        create_web(house),
        host=house.settings.host,
        port=house.settings.port,
        **slow_clients.options(
            head_seconds=house.settings.head_timeout,
            body_seconds=house.settings.body_timeout,
            connections=house.settings.max_connections,
        ),
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


async def _start_worker(house: House, stack: AsyncExitStack) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(work(house, stop))

    async def finish() -> None:
        stop.set()
        await task

    stack.push_async_callback(finish)
