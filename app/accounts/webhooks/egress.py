"""Sends messages to addresses that a shop typed, and to nowhere inside the network of the service.

A name is resolved once, and the connection goes to the address that was looked at: what it resolves to a moment later
counts for nothing (DNS rebinding). Redirects are not followed. Of an answer only the status, `Retry-After` and a little
of the body are read.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

TIMEOUT_SECONDS = 15.0
"""For a whole attempt: name, connection, request and answer (the specification advises 15 to 30)."""
READ_BYTES = 16 * 1024
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class EgressRefused(Exception):
    """The address lies inside the network, or is none: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the receiver answered: its status and `Retry-After`, as it stands."""

    status: int
    retry_after: str | None


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the first public address of a name. TLS still verifies the certificate of the name."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, look, connect."""
        address = await _public_address(host, port)
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Never: no address of a shop is a file."""
        raise EgressRefused

    async def sleep(self, seconds: float) -> None:
        """Wait, between two tries to connect."""
        await asyncio.sleep(seconds)


async def _public_address(host: str, port: int) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if is_public(str(address[0])):
            return str(address[0])
    raise EgressRefused


def is_public(address: str) -> bool:
    """Whether an address is of the whole internet, in whatever form an address of a network is wrapped."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and parsed in NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


class Egress:
    """Posts messages; used by one event loop, closed at the end."""

    def __init__(self, *, allow_private: bool = False, proxy_url: str = "") -> None:
        """`allow_private` for development and tests; with a proxy, the proxy decides where messages may go."""
        context = ssl.create_default_context()
        self._pool: httpcore.AsyncConnectionPool = (
            httpcore.AsyncHTTPProxy(proxy_url, ssl_context=context)
            if proxy_url
            else httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=100,
                keepalive_expiry=30,
                network_backend=None if allow_private else _CheckedBackend(),
            )
        )

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Sent:
        """Post a message; raise `EgressRefused`, `OSError`, `TimeoutError` or an error of httpcore."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async with self._pool.stream("POST", url, headers=list(headers.items()), content=body) as response:
                read = 0
                async for part in response.aiter_stream():
                    read += len(part)
                    if read > READ_BYTES:
                        break
                found = {name.lower(): value for name, value in response.headers}
                return Sent(response.status, found.get(b"retry-after", b"").decode("ascii", "ignore") or None)

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.aclose()
