"""Deadlines for slow clients: closes connections that send too slowly, as enough of them would block all others."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpOnlyProtocol(HttpToolsProtocol):
    """Answers who asks for a WebSocket over HTTP, without the server's advice to install a library for it."""

    def _unsupported_upgrade_warning(self) -> None:
        pass


def protocol(*, head_seconds: float, body_seconds: float) -> type[HttpToolsProtocol]:
    """The server's HTTP protocol with one deadline for a request's head and one for the whole request.

    The server's own timeout applies between requests only, and each byte resets it. Responses have no deadline.
    """

    class DeadlineProtocol(HttpOnlyProtocol):
        """Closes the connection when a request is not complete in time."""

        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the server has it
            super().connection_made(transport)
            self._set_deadline(head_seconds)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._set_deadline(head_seconds)

        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            self._set_deadline(body_seconds)

        def on_message_complete(self) -> None:
            self._unset_deadline()
            super().on_message_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unset_deadline()
            super().connection_lost(exc)

        def _set_deadline(self, seconds: float) -> None:
            self._unset_deadline()
            self._deadline = self.loop.call_later(seconds, self._abort)

        def _unset_deadline(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _abort(self) -> None:
            # A client that is still sending reads no response: abort instead of closing gracefully.
            self.transport.abort()

    return DeadlineProtocol


def options(*, head_seconds: float, body_seconds: float, connections: int) -> dict[str, Any]:
    """Server options: at most `connections` connections, 503 beyond, with deadlines for slow ones."""
    return {
        # h11 answers a smuggled second request (Content-Length with Transfer-Encoding), httptools does not.
        "http": protocol(head_seconds=head_seconds, body_seconds=body_seconds),
        "limit_concurrency": connections,
    }
