"""A relay between the program and PostgreSQL that can go silent: it accepts everything and passes on nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url


class SilentProxy:
    """Passes bytes on while it is not `silent`; connections stay open in any case."""

    def __init__(self, url: str) -> None:
        """Stand in front of the server of `url`."""
        self._upstream = make_url(url)
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.connections = 0

    def proxied(self, url: str) -> str:
        """The same database as in `url`, through this relay."""
        parsed = make_url(url).set(host="127.0.0.1", port=self.port, query={})
        return parsed.render_as_string(hide_password=False)

    def silence(self) -> None:
        """Pass nothing on any more."""
        self._passing.clear()

    def speak(self) -> None:
        """Pass on what was kept, and what comes."""
        self._passing.set()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes."""
        self.connections += 1
        with suppress(ConnectionError):
            upstream_reader, upstream_writer = await self._connect()
            self._writers |= {writer, upstream_writer}
            there = asyncio.create_task(self._copy(reader, upstream_writer))
            back = asyncio.create_task(self._copy(upstream_reader, writer))
            self._tasks |= {there, back}
            for task in (there, back):
                task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End all relays."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = self._upstream.query.get("host") or self._upstream.host or "127.0.0.1"
        port = self._upstream.port or 5432
        if str(folder).startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(str(folder), port)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                await self._passing.wait()
                writer.write(chunk)
        writer.close()


@asynccontextmanager
async def silent_proxy(url: str) -> AsyncIterator[SilentProxy]:
    """A relay on a free port in front of the server of `url`."""
    proxy = SilentProxy(url)
    server = await asyncio.start_server(proxy.relay, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        await proxy.stop()
        server.close()
