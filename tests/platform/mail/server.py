"""A real mail server that keeps what it receives, and refuses on request."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.controller import Controller


class SmtpServer:
    """The mails that arrived, oldest first."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.contents: list[bytes] = []
        self.refuses_with: str | None = None
        self.url = ""
        self._arrived = threading.Event()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - the server's word
        if self.refuses_with is not None:
            return self.refuses_with
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the server's word
        self.contents.append(envelope.content)
        self.mails.append(BytesParser(EmailMessage, policy=policy.default).parsebytes(envelope.content))
        self._arrived.set()
        return "250 OK"

    def wait_for(self, address: str) -> list[EmailMessage]:
        """The mails to an address, once the first mail has arrived from another process."""
        assert self._arrived.wait(60)
        return self.to(address)

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if str(mail["To"]).lower() == address.lower()]


def text(mail: EmailMessage) -> str:
    """The text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@contextmanager
def open_smtp_server() -> Iterator[SmtpServer]:
    """A server on a free port, in its own thread."""
    smtp_server = SmtpServer()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(smtp_server, hostname="127.0.0.1", port=port)
    controller.start()
    smtp_server.url = f"smtp://127.0.0.1:{port}"
    try:
        yield smtp_server
    finally:
        controller.stop()
