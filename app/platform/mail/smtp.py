"""Sends mails to a mail server (RFC 5321)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPRecipientRefused, SMTPRecipientsRefused, SMTPResponseException

TIMEOUT_SECONDS = 30
PERMANENT = 500
PORTS = {"smtp": 25, "starttls": 587, "smtps": 465}

SendMessage = Callable[[EmailMessage], Awaitable[object]]


class BadMailServerUrl(Exception):
    """The text is no URL of a mail server; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server: `smtp://` (TLS if the server offers it), `starttls://` (TLS required) or `smtps://`."""

    host: str
    port: int
    scheme: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """Parse `scheme://user:password@host:port`; raise `BadMailServerUrl` when it has another form."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # The library's message may quote the URL, and with it the password.
            raise BadMailServerUrl("The port is not a number from 1 to 65535.") from None
        if parts.scheme not in PORTS or not parts.hostname:
            raise BadMailServerUrl("Write smtp://user:password@host:port, with smtp, starttls or smtps.")
        return cls(
            host=parts.hostname,
            port=port or PORTS[parts.scheme],
            scheme=parts.scheme,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SendMessage]:
        """One connection for several mails; raise `OSError` or `SMTPException` when it fails."""
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.scheme == "smtps",
            start_tls=True if self.scheme == "starttls" else None if self.scheme == "smtp" else False,
            timeout=TIMEOUT_SECONDS,
        )
        async with client:
            yield client.send_message


def is_permanent(fault: Exception) -> bool:
    """Whether the server refused this mail permanently, so that a retry is useless."""
    if isinstance(fault, SMTPRecipientsRefused):
        return all(is_permanent(refusal) for refusal in fault.recipients)
    return isinstance(fault, SMTPRecipientRefused | aiosmtplib.SMTPDataError) and _code(fault) >= PERMANENT


def _code(fault: SMTPResponseException) -> int:
    return int(fault.code)
