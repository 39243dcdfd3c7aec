"""Counts round trips on the connection between the program and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url

# Frontend messages after which the client waits for an answer: Query, Sync, Flush.
WAITS = frozenset(b"QSH")
HEADER = 5


class RoundTripProxy:
    """A proxy in front of a server that counts how often a client waited for it."""

    def __init__(self, url: str) -> None:
        """Listen in front of the server of `url`."""
        self._upstream = make_url(url)
        self.round_trips = 0
        self.port = 0

    def proxied_url(self, url: str) -> str:
        """The same database as in `url`, through this proxy."""
        parsed = make_url(url).set(host="127.0.0.1", port=self.port, query={})
        return parsed.render_as_string(hide_password=False)

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes."""
        upstream_reader, upstream_writer = await self._connect()
        back = asyncio.create_task(_copy(upstream_reader, writer))
        try:
            await self._forward(reader, upstream_writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            upstream_writer.close()
            back.cancel()
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = self._upstream.query.get("host") or self._upstream.host or "127.0.0.1"
        port = self._upstream.port or 5432
        if str(folder).startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(str(folder), port)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A start-up message, or a request for encryption before it, has a length and no type byte.
        while True:
            length = await reader.readexactly(4)
            rest = await reader.readexactly(int.from_bytes(length) - 4)
            writer.write(length + rest)
            if rest[:4] == b"\x00\x03\x00\x00":
                break
        while True:
            header = await reader.readexactly(HEADER)
            body = await reader.readexactly(int.from_bytes(header[1:]) - 4)
            self.round_trips += header[0] in WAITS
            writer.write(header + body)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
    writer.close()


@asynccontextmanager
async def counting_proxy(url: str) -> AsyncIterator[RoundTripProxy]:
    """A proxy on a free port in front of the server of `url`."""
    proxy = RoundTripProxy(url)
    server = await asyncio.start_server(proxy.relay, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
