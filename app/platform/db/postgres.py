"""Connections to PostgreSQL: URLs as libpq takes them, one host after the other, every wait bounded.

asyncpg itself reads `sslmode` and its kin, and `target_session_attrs`. What else hosting providers put into URLs:

    postgres://, postgresql+asyncpg://   are postgresql://
    several hosts                        are tried one after the other, each within the connect timeout, the one that
                                         worked last first; without `target_session_attrs`, one that can be written to
    connect_timeout                      takes the place of the setting
    keepalives…, tcp_user_timeout        are left out: the program sets them on every connection
    gssencmode, channel_binding, …       are left out: the driver never negotiates them
    anything else                        goes to the server as a run-time setting
"""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

SCHEMES = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
IGNORED = frozenset(
    {
        "channel_binding",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "require_auth",
        "requirepeer",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    }
)
SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
TARGETS = frozenset({"any", "read-write", "read-only", "primary", "standby", "prefer-standby"})
KEEPALIVE_PROBES = 3
DEFAULT_PORT = "5432"
APPLICATION_NAME = "patron"


class BadDatabaseUrl(ValueError):
    """A URL that names no database this program can use; the message never repeats it."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a connection waits, in seconds; None and 0 are no bound.

    `command`: for the answer to a statement. `connect`: for a connection to one host. `lock`: for a lock; the server
    decides. `keepalive`: of silence before the system asks whether the other end is still there.
    """

    command: float | None = None
    connect: float = 5
    lock: float = 0
    keepalive: int = 30


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """One database, by a URL for each of its hosts."""

    dsns: tuple[str, ...]
    database: str
    connect_timeout: float | None = None
    hosts: frozenset[tuple[str, str]] = frozenset()

    def overlaps(self, other: "PostgresUrl") -> bool:
        """Whether both name one database on a host that both name."""
        return self.database == other.database and not self.hosts.isdisjoint(other.hosts)


def is_postgres(url: str) -> bool:
    """Whether the URL is one of PostgreSQL."""
    return url.partition("://")[0].lower() in SCHEMES


def parse(url: str, *, target: str = "read-write") -> PostgresUrl:
    """The URL as the driver understands it; raise `BadDatabaseUrl`. Of several hosts it takes a `target` by default."""
    try:
        parts = urlsplit(url)
        parameters = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise BadDatabaseUrl(
            "This is not a URL. Write postgresql://user:password@host:5432/database, with special characters of a "
            "password as %XX."
        ) from None
    timeout = parameters.pop("connect_timeout", "0")
    if not timeout.isdigit():
        raise BadDatabaseUrl("The parameter connect_timeout must be a number of seconds.")
    kept = {name: value for name, value in parameters.items() if name not in IGNORED}
    _check_choice(kept, "sslmode", SSL_MODES)
    _check_choice(kept, "target_session_attrs", TARGETS)
    database = kept.get("dbname") or unquote(parts.path.removeprefix("/"))
    if not database:
        raise BadDatabaseUrl("The URL names no database. Write postgresql://user:password@host:5432/database.")
    user, at, hosts = parts.netloc.rpartition("@")
    if "hostaddr" in kept:
        kept["host"] = kept.pop("hostaddr")
    if "host" in kept:
        names, ports = kept.pop("host").split(","), kept.pop("port", "").split(",")
        if len(ports) not in {1, len(names)}:
            raise BadDatabaseUrl("The URL has another number of ports than of hosts.")
        ports = ports * len(names) if len(ports) == 1 else ports
        each = [(f"{user}{at}", {"host": name, "port": port}) for name, port in zip(names, ports, strict=True)]
        places = list(zip(names, ports, strict=True))
    else:
        each = [(f"{user}{at}{one}", {}) for one in hosts.split(",")]
        places = [_place(one) for one in hosts.split(",")]
    if len(each) > 1:
        kept.setdefault("target_session_attrs", target)
    kept.setdefault("application_name", APPLICATION_NAME)
    dsns = tuple(
        f"postgresql://{netloc}{parts.path}?{urlencode({**kept, **{k: v for k, v in host.items() if v}})}"
        for netloc, host in each
    )
    named = frozenset((host.lower() or "localhost", port or DEFAULT_PORT) for host, port in places)
    return PostgresUrl(dsns, database, float(timeout) or None, named)


def _place(text: str) -> tuple[str, str]:
    try:
        split = urlsplit(f"//{text}")
        return split.hostname or "", str(split.port or "")
    except ValueError:
        raise BadDatabaseUrl("The port of the URL is not a number from 1 to 65535.") from None


def _check_choice(parameters: dict[str, str], name: str, choices: frozenset[str]) -> None:
    if parameters.get(name) is not None and parameters[name] not in choices:
        raise BadDatabaseUrl(f"The parameter {name} must be one of {', '.join(sorted(choices))}.")


class Connector:
    """Opens connections to one database."""

    def __init__(self, url: PostgresUrl, waits: Waits, *, statement_cache_size: int) -> None:
        """Open nothing yet; `statement_cache_size` is what each connection keeps where it may keep anything."""
        self._url = url
        self._waits = waits
        self._cache = statement_cache_size
        self._preferred = 0
        # Unknown until the first connection, unless the setting says so.
        self.is_pooled: bool | None = None if statement_cache_size else True

    def statement_name(self) -> str | None:
        """The name of a prepared statement: empty behind a pooler, as nothing may stay on the server's connection."""
        return "" if self.is_pooled else None

    async def connect(self, **limits: Any) -> Any:
        """A connection to the first host that accepts one; raise what the last host failed with."""
        # Only where there is a PostgreSQL: the embedded database does without the driver.
        import asyncpg  # noqa: PLC0415

        faults: list[Exception] = []
        for offset in range(len(self._url.dsns)):
            number = (self._preferred + offset) % len(self._url.dsns)
            try:
                connection = await self._open(self._url.dsns[number], limits)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as fault:
                faults.append(fault)
                continue
            self._preferred = number
            self._keep_alive(connection)
            return connection
        raise faults[-1]

    async def _open(self, dsn: str, limits: dict[str, Any]) -> Any:
        """A connection to one host. The first one finds out whether a pooler, such as PgBouncer, is in between."""
        import asyncpg  # noqa: PLC0415

        try:
            connection = await self._open_once(dsn, limits)
        except asyncpg.ProtocolViolationError as fault:
            if self.is_pooled is not None or "startup parameter" not in str(fault):
                raise
            # PgBouncer refuses `lock_timeout`, as it could not keep it apart between its clients.
            self.is_pooled = True
            return await self._open_once(dsn, limits)
        if self.is_pooled is None:
            self.is_pooled = await _is_pooled(connection)
            if self.is_pooled:
                connection.terminate()
                return await self._open_once(dsn, limits)
        return connection

    async def _open_once(self, dsn: str, limits: dict[str, Any]) -> Any:
        import asyncpg  # noqa: PLC0415

        return await asyncpg.connect(
            dsn,
            timeout=self._url.connect_timeout or self._waits.connect,
            command_timeout=self._waits.command,
            statement_cache_size=0 if self.is_pooled else self._cache,
            server_settings=self._server_settings(),
            **limits,
        )

    def _server_settings(self) -> dict[str, str]:
        return {"lock_timeout": str(round(self._waits.lock * 1000))} if self._waits.lock and not self.is_pooled else {}

    def _keep_alive(self, connection: Any) -> None:
        transport = connection._transport  # noqa: SLF001 - the driver has no option for it
        found = transport.get_extra_info("socket")
        if not self._waits.keepalive or found is None or found.family == socket.AF_UNIX:
            return
        # Of uvloop's socket only the number can be used; a copy of it changes the same connection.
        with socket.socket(fileno=os.dup(found.fileno())) as copied:
            copied.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in self._tcp_options():
                with suppress(OSError):
                    copied.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def _tcp_options(self) -> Sequence[tuple[str, int]]:
        idle = self._waits.keepalive
        wanted = [
            ("TCP_KEEPIDLE", idle),
            ("TCP_KEEPINTVL", max(1, idle // KEEPALIVE_PROBES)),
            ("TCP_KEEPCNT", KEEPALIVE_PROBES),
            ("TCP_USER_TIMEOUT", 2 * idle * 1000),
        ]
        return [(name, value) for name, value in wanted if hasattr(socket, name)]


async def _is_pooled(connection: Any) -> bool:
    """Whether the process at the other end is another than the one that the greeting named: then a pooler greeted.

    One division, as the simple protocol returns no rows, and a prepared statement is what a pooler may not be sent.
    """
    import asyncpg  # noqa: PLC0415

    try:
        await connection.execute(f"SELECT 1 / (pg_backend_pid() = {connection.get_server_pid()})::int")
    except asyncpg.DivisionByZeroError:
        return True
    return False
