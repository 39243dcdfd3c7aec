"""The server process: runtime, HTTP server, and in development the worker."""

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from types import FrameType
from urllib.parse import urlsplit

import structlog
import uvicorn

from app.platform.settings import Settings
from app.server.demo import ensure_demo, refuse_demo_clients
from app.server.http import slow_clients
from app.server.http.local_requests import is_local_host
from app.server.processes import Inherited
from app.server.runtime import Runtime, open_runtime
from app.server.shutdown import REQUESTS_SECONDS, Shutdown
from app.server.web import GRAPHQL, create_app
from app.server.worker import run_worker

KEEP_ALIVE_SECONDS = 20
GC_THRESHOLD = 5_000
log = structlog.get_logger(__name__)
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Server(uvicorn.Server):
    """Announces that it is ready, and leaves shutting down the runtime to its caller."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None], shutdown: Shutdown) -> None:
        super().__init__(config)
        self._announce = announce
        self._shutdown = shutdown

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._shutdown.request()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _freeze_loaded_objects()
            self._announce()

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


def bind(settings: Settings) -> socket.socket:
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
    with bind(settings) as bound:
        async with open_runtime(settings, migrating=settings.development) as runtime:
            await _prepare(runtime)
            await _serve(runtime, bound, partial(_print_ready, settings), Shutdown(), with_worker=settings.runs_worker)


async def serve_inherited(settings: Settings, inherited: Inherited) -> None:
    """Serve as one of several processes, whose supervisor has bound the port and prepared the databases."""
    shutdown = Shutdown()
    with socket.socket(fileno=inherited.listener) as bound:
        async with open_runtime(settings) as runtime:
            with_worker = settings.runs_worker and inherited.number == 0
            await _serve(
                runtime, bound, inherited.announce, shutdown, with_worker=with_worker, ends_with=inherited.lifeline
            )


async def _serve(
    runtime: Runtime,
    bound: socket.socket,
    announce: Callable[[], None],
    shutdown: Shutdown,
    *,
    with_worker: bool,
    ends_with: int | None = None,
) -> None:
    """Serve until a signal, or until the pipe `ends_with` is closed at its other end."""
    server = _Server(_configuration(runtime), announce, shutdown)
    if ends_with is not None:
        _end_when_closed(server, ends_with)
    async with AsyncExitStack() as stack:
        if with_worker:
            stack.push_async_callback(shutdown.finish, asyncio.create_task(run_worker(runtime, shutdown.requested)))
        await server.serve([bound])


async def prepare(settings: Settings) -> None:
    """What is done once for all processes before they serve; raise when they could not."""
    async with open_runtime(settings, migrating=settings.development) as runtime:
        await _prepare(runtime)


async def _prepare(runtime: Runtime) -> None:
    settings = runtime.settings
    if not settings.development:
        await refuse_demo_clients(runtime)
        return
    _warn_of_development(settings)
    if await ensure_demo(runtime, settings.public_url + GRAPHQL):
        print(f"demo {settings.var_dir / 'demo.json'}", flush=True)  # noqa: T201 - shown once, to the developer


def _print_ready(settings: Settings) -> None:
    print(f"ready {settings.public_url + GRAPHQL}", flush=True)  # noqa: T201 - read by the process that started this one


def _end_when_closed(server: uvicorn.Server, pipe: int) -> None:
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(pipe)
        server.handle_exit(signal.SIGTERM, None)

    loop.add_reader(pipe, end)


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
