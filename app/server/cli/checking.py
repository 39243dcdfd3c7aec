"""`patron check`: looks at settings, databases, key, mail, Redis, payment gateway and organizations before a start."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from urllib.parse import urlsplit

import aiosmtplib
import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from app.accounts.organizations.tables import Organization
from app.platform.db.engine import Database
from app.platform.db.outages import DatabaseUnavailable
from app.platform.db.revisions import DatabaseKind, schema_state
from app.platform.limits.shared import open_windows
from app.platform.mail.smtp import MailServer
from app.platform.principal import OrganizationSettings
from app.platform.settings import Settings
from app.platform.vault.providers import MasterKeyError
from app.server.cli.environment import AsJson, print_rows, run, settings, unreachable
from app.server.demo import DemoInProduction, refuse_demo_clients
from app.server.http.local_requests import is_local_host
from app.server.runtime import BadSetting, Runtime, databases, key_providers, open_runtime

PREFIX = "PATRON_"
TEST_PREFIX = "PATRON_TEST_"
POSTGRES_MIN = 150_000
SECONDS = 10
# Where a cluster keeps its identity: with the database's own number it tells one database by whatever URL.
IDENTITY = "SELECT system_identifier::text || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())"


class Verdict(Enum):
    """What was found."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(slots=True)
class Report:
    """One row for each thing that was looked at."""

    rows: list[dict[str, str]] = field(default_factory=list)

    def add(self, verdict: Verdict, subject: str, sentence: str) -> None:
        """Note what was found; the sentence of an error says what to do."""
        self.rows.append({"verdict": verdict.value, "subject": subject, "finding": sentence})

    @property
    def failed(self) -> bool:
        """Whether something keeps the program from working."""
        return any(row["verdict"] == Verdict.ERROR.value for row in self.rows)


def check(as_json: AsJson = False) -> None:
    """Check settings, databases, master key, mail server, Redis, Stripe and organizations; exit code 2 for errors."""
    unknown = _unknown_names()
    config = settings()
    report = Report()
    for sentence in unknown:
        report.add(Verdict.ERROR, "settings", sentence)
    if not unknown:
        report.add(Verdict.OK, "settings", f"{config.env.value}, all names are known")
    run(_check(config, report))
    print_rows(report.rows, as_json=as_json)
    if report.failed:
        raise typer.Exit(2)


def _unknown_names() -> list[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    found = [name for name in sorted(os.environ) if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX)]
    return [_unknown(name, known) for name in found if name.upper() not in known]


def _unknown(name: str, known: set[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"There is no setting {name}." + (f" Did you mean {close[0]}?" if close else " Remove it.")


async def _check(config: Settings, report: Report) -> None:
    _check_addresses(config, report)
    _check_key(config, report)
    try:
        main, keystore = databases(config)
    except BadSetting as error:
        report.add(Verdict.ERROR, "databases", str(error))
        return
    found = [
        await _check_database(database, kind, report)
        for database, kind in ((main, DatabaseKind.MAIN), (keystore, DatabaseKind.KEYSTORE))
    ]
    usable = all(found)
    if None not in found and not main.embedded and not keystore.embedded:
        usable = await _check_distinct(main, keystore, report) and usable
    await main.close()
    await keystore.close()
    if usable:
        await _check_running(config, report)
    await _within(_check_mail, config, report)
    await _within(_check_redis, config, report)
    await _within(_check_stripe, config, report)


async def _within(look: Callable[[Settings, Report], Awaitable[None]], config: Settings, report: Report) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await look(config, report)
    except TimeoutError:
        report.add(Verdict.ERROR, look.__name__.removeprefix("_check_"), f"No answer within {SECONDS} seconds.")


def _check_addresses(config: Settings, report: Report) -> None:
    parts = urlsplit(config.public_url)
    local = is_local_host(parts.netloc)
    if parts.scheme != "https" and not local:
        report.add(Verdict.ERROR, "public URL", "PATRON_PUBLIC_URL: Use https://, tokens and passwords go there.")
    elif config.development and not (local and is_local_host(config.host)):
        report.add(Verdict.ERROR, "public URL", "Development shows every mail. Set PATRON_ENV=production.")
    else:
        report.add(Verdict.OK, "public URL", config.public_url)
    if config.development or config.trusted_proxies:
        names = ", ".join(str(network) for network in config.trusted_proxies) or "none, in development"
        report.add(Verdict.OK, "proxies", names)
    else:
        report.add(
            Verdict.WARNING, "proxies", "PATRON_TRUSTED_PROXIES is empty: behind a proxy all customers are one source."
        )


def _check_key(config: Settings, report: Report) -> None:
    path = config.master_key_file
    if config.development and not config.master_key.get_secret_value() and path is not None and not path.exists():
        report.add(Verdict.OK, "master key", "is made at the first start of development")
        return
    try:
        names = ", ".join(key_providers(config))
        report.add(Verdict.OK, "master key", names)
    except MasterKeyError as error:
        report.add(Verdict.ERROR, "master key", str(error))


async def _check_database(database: Database, kind: DatabaseKind, report: Report) -> bool | None:
    """Whether it is migrated; None when it cannot be used at all."""
    subject = f"{kind.value} database"
    try:
        if not database.embedded:
            async with database.engine.connect() as connection:
                number = int((await connection.exec_driver_sql("SHOW server_version_num")).scalar_one())
                read_only = (await connection.exec_driver_sql("SHOW transaction_read_only")).scalar_one() == "on"
            if number < POSTGRES_MIN:
                report.add(Verdict.ERROR, subject, f"PostgreSQL {number // 10_000}: install 15 or newer.")
                return None
            if read_only:
                report.add(Verdict.ERROR, subject, "The server is read-only: name the primary in the URL.")
                return None
        if (await schema_state(database, kind)).can_be_served:
            report.add(Verdict.OK, subject, "answers, migrated")
            return True
    except DatabaseUnavailable as error:
        report.add(Verdict.ERROR, subject, unreachable(error))
        return None
    except SQLAlchemyError as error:
        report.add(Verdict.ERROR, subject, f"It cannot be read ({type(error).__name__}). Check the path of the URL.")
        return None
    report.add(Verdict.ERROR, subject, "Its tables have another version than this program: run `patron migrate`.")
    return False


async def _check_distinct(main: Database, keystore: Database, report: Report) -> bool:
    found = []
    for database in (main, keystore):
        async with database.engine.connect() as connection:
            found.append((await connection.exec_driver_sql(f"{IDENTITY} FROM pg_control_system()")).scalar_one())
    if found[0] == found[1]:
        report.add(Verdict.ERROR, "databases", "Both URLs lead to one database: give the key store its own.")
        return False
    same_server = str(found[0]).partition("/")[0] == str(found[1]).partition("/")[0]
    if same_server:
        report.add(Verdict.WARNING, "databases", "Both are on one server, whose backups then hold both.")
    else:
        report.add(Verdict.OK, "databases", "two, on two servers")
    return True


async def _check_running(config: Settings, report: Report) -> None:
    """What can only be seen with the key store open."""
    try:
        async with open_runtime(config) as runtime:
            report.add(Verdict.OK, "key store", "opens with the master key")
            if not config.development:
                await refuse_demo_clients(runtime)
            await _check_organizations(runtime, report)
    except MasterKeyError as error:
        report.add(Verdict.ERROR, "key store", str(error))
    except DemoInProduction as error:
        report.add(Verdict.ERROR, "demo", str(error))


async def _check_organizations(runtime: Runtime, report: Report) -> None:
    async with runtime.store.database.transaction() as session:
        rows = (await session.exec(select(Organization).order_by(col(Organization.id)))).all()
    if not any(row.is_default for row in rows):
        report.add(
            Verdict.WARNING,
            "organizations",
            "None is the default: requests without a key are refused. `patron organizations update SLUG --default`.",
        )
    else:
        default = next(row.slug for row in rows if row.is_default)
        report.add(Verdict.OK, "organizations", f"{len(rows)}, {default} is the default")
    for row in rows:
        if not OrganizationSettings.from_stored(row.settings).storefront_url:
            report.add(
                Verdict.WARNING,
                f"organization {row.slug}",
                "Links in its mails lead to plain pages of this service. "
                f"`patron organizations update {row.slug} --storefront-url https://…`.",
            )


async def _check_mail(config: Settings, report: Report) -> None:
    url = config.smtp_url.get_secret_value()
    if not url:
        verdict = Verdict.OK if config.development else Verdict.WARNING
        report.add(verdict, "mail", "PATRON_SMTP_URL is not set: mails stay in the outbox.")
        return
    try:
        async with MailServer.parse(url).connect():
            report.add(Verdict.OK, "mail", "the server answers and takes the login")
    except (OSError, ValueError, aiosmtplib.SMTPException) as error:
        report.add(Verdict.ERROR, "mail", f"PATRON_SMTP_URL: The server refuses or is away ({type(error).__name__}).")


async def _check_redis(config: Settings, report: Report) -> None:
    url = config.redis_url.get_secret_value()
    if not url:
        report.add(Verdict.OK, "redis", "not used: each process counts rate limits for itself")
        return
    try:
        async with open_windows(url) as windows:
            away = windows.degraded
    except Exception as error:  # noqa: BLE001 - the library has its own error for each part of a URL
        report.add(Verdict.ERROR, "redis", f"PATRON_REDIS_URL cannot be used ({type(error).__name__}).")
        return
    if away:
        report.add(Verdict.ERROR, "redis", "PATRON_REDIS_URL: The server does not answer.")
    else:
        report.add(Verdict.OK, "redis", "answers")


async def _check_stripe(config: Settings, report: Report) -> None:
    secret = config.stripe_secret_key.get_secret_value()
    if not secret:
        note = "sandbox" if config.development else "no gateway: customers cannot save payment methods"
        report.add(Verdict.OK if config.development else Verdict.WARNING, "stripe", note)
        return
    missing = [
        name
        for name, value in (
            ("PATRON_STRIPE_PUBLISHABLE_KEY", config.stripe_publishable_key),
            ("PATRON_STRIPE_WEBHOOK_SECRET", config.stripe_webhook_secret.get_secret_value()),
        )
        if not value
    ]
    if missing:
        report.add(Verdict.ERROR, "stripe", f"Set {' and '.join(missing)} too.")
    status = await _stripe_status(config.stripe_api_base, secret)
    if status is None:
        report.add(Verdict.ERROR, "stripe", "Stripe does not answer: check the network, and PATRON_STRIPE_API_BASE.")
    elif status == 401:  # noqa: PLR2004 - an HTTP status
        report.add(Verdict.ERROR, "stripe", "PATRON_STRIPE_SECRET_KEY: Stripe does not know this key.")
    elif not missing:
        report.add(Verdict.OK, "stripe", "answers and knows the key")


async def _stripe_status(base: str, secret: str) -> int | None:
    # Other commands, and the server, need no HTTP client.
    import httpx  # noqa: PLC0415

    try:
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            # A restricted key may be refused this, but is known.
            return (await client.get(f"{base}/v1/customers?limit=1", auth=(secret, ""))).status_code
    except httpx.HTTPError:
        return None
