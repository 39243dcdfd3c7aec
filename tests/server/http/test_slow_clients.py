"""Clients that send slowly, against a real server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.server.http.slow_clients import options

HEAD = b"POST / HTTP/1.1\r\nHost: patron.test\r\nContent-Length: 4\r\n\r\n"


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


@contextmanager
def served(*, head_seconds: float = 60, body_seconds: float = 60, connections: int = 100) -> Iterator[int]:
    app = Starlette(routes=[Route("/", echo, methods=["POST"])])
    chosen = options(head_seconds=head_seconds, body_seconds=body_seconds, connections=connections)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="off", **chosen))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def exchange(port: int, *parts: bytes) -> bytes:
    """Everything the server sends until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        try:
            while more := connection.recv(4096):
                received += more
        except ConnectionResetError:
            pass
        return received


@pytest.mark.parametrize("parts", [[], [b"POST / HT"], [b"POST / HTTP/1.1\r\nHost: patron.test\r\nX-Slow: "]])
def test_a_head_that_does_not_come_ends_the_connection(parts: list[bytes]) -> None:
    with served(head_seconds=0.2) as port:
        assert exchange(port, *parts) == b""


def test_a_body_that_does_not_come_ends_the_connection() -> None:
    with served(body_seconds=0.2) as port:
        assert exchange(port, HEAD, b"ab") == b""


def test_a_slow_second_request_on_a_connection_ends_it_too() -> None:
    with served(head_seconds=0.2) as port:
        received = exchange(port, HEAD, b"abcd", b"POST / HTTP/1.1\r\nX-Slow: ")

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.endswith(b"abcd")


def test_a_connection_beyond_the_limit_is_answered_503() -> None:
    with served(connections=1) as port:
        received = exchange(port, HEAD.replace(b"Host", b"Connection: close\r\nHost"), b"abcd")

    assert received.startswith(b"HTTP/1.1 503")
