"""The server process: runtime, HTTP server, and in development the worker."""

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from types import FrameType
from urllib.parse import urlsplit

import structlog
import uvicorn

from app.platform.settings import Settings
from app.server.demo import ensure_demo, refuse_demo_clients
from app.server.http import slow_clients
from app.server.http.local_requests import is_local_host
from app.server.runtime import Runtime, open_runtime
from app.server.shutdown import REQUESTS_SECONDS, Shutdown
from app.server.web import GRAPHQL, create_app
from app.server.worker import run_worker

KEEP_ALIVE_SECONDS = 20
GC_THRESHOLD = 5_000
log = structlog.get_logger(__name__)
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Server(uvicorn.Server):
    """Prints when it is ready, and leaves shutting down the runtime to its caller."""

    def __init__(self, config: uvicorn.Config, endpoint: str, shutdown: Shutdown) -> None:
        super().__init__(config)
        self._endpoint = endpoint
        self._shutdown = shutdown

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._shutdown.request()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _freeze_loaded_objects()
            print(f"ready {self._endpoint}", flush=True)  # noqa: T201 - read by the process that started this one

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # The library raises the signal again afterwards, which would end the process before the worker has finished and
        # the databases are closed.
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


class CannotListen(Exception):
    """The address to listen on cannot be used; the message says why, and what to do."""


def _bind(settings: Settings) -> socket.socket:
    """A socket bound to the address, before anything is opened; the server itself starts to listen."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        address = f"{settings.host}, port {settings.port}"
        if error.errno == errno.EADDRINUSE:
            message = f"Something listens on {address} already. End it, or choose another port: --port or PATRON_PORT."
        else:
            message = f"Cannot listen on {address} ({error.strerror}). Choose another: --host, --port."
        raise CannotListen(message) from None
    return bound


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; in development first migrate and create the demo."""
    with _bind(settings) as bound:
        await _serve(settings, bound)


async def _serve(settings: Settings, bound: socket.socket) -> None:
    async with open_runtime(settings, migrating=settings.development) as runtime:
        endpoint = settings.public_url + GRAPHQL
        if settings.development:
            _warn_of_development(settings)
        else:
            await refuse_demo_clients(runtime)
        if settings.development and await ensure_demo(runtime, endpoint):
            print(f"demo {settings.var_dir / 'demo.json'}", flush=True)  # noqa: T201 - shown once, to the developer
        shutdown = Shutdown()
        async with AsyncExitStack() as stack:
            if settings.runs_worker:
                stack.push_async_callback(shutdown.finish, asyncio.create_task(run_worker(runtime, shutdown.requested)))
            await _Server(_configuration(runtime), endpoint, shutdown).serve([bound])


def _warn_of_development(settings: Settings) -> None:
    """Say what development shows; louder where somebody else may reach it."""
    log.warning("development", shows=["mails at /dev/mail", "schema", "metrics"], change="PATRON_ENV=production")
    hosts = {"host": settings.host, "public_url": urlsplit(settings.public_url).netloc}
    if not all(is_local_host(host) for host in hosts.values()):
        log.error("development_can_be_reached_from_elsewhere", **hosts, change="PATRON_ENV=production")


def _freeze_loaded_objects() -> None:
    """Exclude objects that live as long as the process from garbage collection.

    Otherwise every full collection walks all classes, tables and statements: a third of the cost of a write.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


def _configuration(runtime: Runtime) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(runtime),
        host=runtime.settings.host,
        port=runtime.settings.port,
        **slow_clients.options(
            head_seconds=runtime.settings.head_timeout,
            body_seconds=runtime.settings.body_timeout,
            connections=runtime.settings.max_connections,
        ),
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=REQUESTS_SECONDS,
    )
