"""Load generator: sends requests over 16 connections for some seconds, with wrk or, if that is missing, in Python.

Run as a program it is the Python generator: `python -m tests.server.bench.load URL FILE STAMP KEY SECONDS CONNECTIONS`.
"""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import uvloop

from tests.server.bench.operations import NUMBER, Request

LUA = Path(__file__).with_name("load.lua")
MARK = "RESULT "
REFUSALS = (b'"errors":', b'"userErrors":[{')


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of a load; times in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int

    @property
    def per_second(self) -> float:
        """Responses per second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Generator:
    """Send `requests` to `url` in turn, repeatedly."""

    url: str
    requests: Path
    key: str
    connections: int = 16

    def start(self, seconds: float) -> subprocess.Popen[str]:
        """Start; `finish` waits for the end."""
        stamp = f"{time.time_ns():x}n"
        if wrk := shutil.which("wrk"):
            options = [
                "-t1",
                f"-c{self.connections}",
                f"-d{max(1, round(seconds))}s",
                "--timeout",
                "30s",
                "-s",
                str(LUA),
            ]
            command = [wrk, *options, self.url, "--", str(self.requests), stamp, self.key]
        else:
            given = [self.url, str(self.requests), stamp, self.key, str(seconds), str(self.connections)]
            command = [sys.executable, "-m", "tests.server.bench.load", *given]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def finish(process: subprocess.Popen[str]) -> LoadResult:
        """The result."""
        printed, _ = process.communicate()
        line = next((one for one in printed.splitlines() if one.startswith(MARK)), None)
        if line is None:
            message = f"The load generator said nothing of its result:\n{printed}"
            raise RuntimeError(message)
        requests, duration, p50, p99, errors = map(float, line.removeprefix(MARK).split())
        return LoadResult(int(requests), duration / 1e6, p50 / 1e3, p99 / 1e3, int(errors))


def write(path: Path, requests: list[Request]) -> Path:
    """Write the requests for both generators."""
    path.write_text("".join(f"{one.token}\t{one.body}\n" for one in requests))
    return path


class _Connection(asyncio.Protocol):
    """A connection that sends the next request when the last is answered."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self._requests = requests
        self._latencies = latencies
        self.errors = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._started = time.perf_counter()
        self._transport.write(next(self._requests))  # type: ignore[attr-defined] # a socket's transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._latencies.append(time.perf_counter() - self._started)
        self.errors += self._parser.get_status_code() != 200 or any(one in self._body for one in REFUSALS)
        asyncio.get_running_loop().call_soon(self._next)


def _rendered(url: str, path: Path, stamp: str, key: str) -> Iterator[bytes]:
    place = urlsplit(url)
    lines = [line.split("\t", 1) for line in path.read_text().splitlines()]
    for number in count():
        token, body = lines[number % len(lines)]
        encoded = body.replace(NUMBER, f"{stamp}{number}").encode()
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        head = (
            f"POST {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
            f"X-Api-Key: {key}\r\n{authorization}Content-Length: {len(encoded)}\r\n\r\n"
        )
        yield head.encode() + encoded


async def _generate(url: str, path: str, stamp: str, key: str, seconds: str, connections: str) -> None:
    place, latencies = urlsplit(url), list[float]()
    requests = _rendered(url, Path(path), stamp, key)
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(requests, latencies), place.hostname or "", place.port or 80)
        for _ in range(int(connections))
    ]
    await asyncio.sleep(float(seconds))
    duration = time.perf_counter() - started
    times = sorted(latencies)
    p50, p99 = (times[int(len(times) * share)] * 1e6 for share in (0.5, 0.99))
    errors = sum(protocol.errors for _, protocol in opened)
    print(f"{MARK}{len(times)} {duration * 1e6:.0f} {p50:.1f} {p99:.1f} {errors}")  # noqa: T201 - its one line of output


if __name__ == "__main__":
    uvloop.run(_generate(*sys.argv[1:]))
