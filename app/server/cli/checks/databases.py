"""The two databases: there, migrated, distinct, of one moment, and open to the key; then the organizations in them."""

from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from app.accounts.organizations.tables import Organization
from app.platform.db.engine import Database
from app.platform.db.outages import DatabaseUnavailable
from app.platform.db.postgres import BadDatabaseUrl, is_postgres
from app.platform.db.revisions import DatabaseKind, schema_state
from app.platform.db.sqlite import file_of
from app.platform.principal import OrganizationSettings
from app.platform.settings import Settings
from app.platform.vault.epochs import PairState
from app.platform.vault.providers import MasterKeyError
from app.privacy.restores import RestoreUnconfirmed
from app.server.cli.checks.report import Report, Verdict
from app.server.cli.environment import unreachable
from app.server.demo import DemoInProduction, refuse_demo_clients
from app.server.runtime import BadSetting, Runtime, databases, open_runtime

POSTGRES_MIN = 150_000
# Where a cluster keeps its identity: with the database's own number it tells one database by whatever URL.
IDENTITY = "SELECT system_identifier::text || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())"


async def check_databases(config: Settings, report: Report, *, has_key: bool) -> None:
    """Look at both databases, and into them where they can be opened."""
    if _lacks_a_file(config, report):
        return
    try:
        main, keystore = databases(config)
    except BadSetting as error:
        report.add(Verdict.ERROR, "databases", str(error))
        return
    try:
        usable = await _check_both(main, keystore, report)
    finally:
        await main.close()
        await keystore.close()
    if usable and has_key:
        await _check_running(config, report)


async def _check_both(main: Database, keystore: Database, report: Report) -> bool:
    found = [
        await _check_database(database, kind, report)
        for database, kind in ((main, DatabaseKind.MAIN), (keystore, DatabaseKind.KEYSTORE))
    ]
    if None not in found and not main.embedded and not keystore.embedded:
        return await _check_distinct(main, keystore, report) and all(found)
    return all(found)


def _lacks_a_file(config: Settings, report: Report) -> bool:
    """Whether a SQLite file is not there yet: opening the database would create it."""
    urls = {"main database": config.database_url, "keystore database": config.keystore_url}
    absent = [
        subject
        for subject, url in urls.items()
        if not is_postgres(url.get_secret_value()) and not _exists(url.get_secret_value())
    ]
    for subject in absent:
        if config.development:
            report.add(Verdict.OK, subject, "is made at the first start of development")
        else:
            report.add(Verdict.ERROR, subject, "There is no such file yet: run `patron migrate`, or correct the path.")
    return bool(absent)


def _exists(url: str) -> bool:
    """Whether the file is there; True for a wrong URL, which is said where it is opened."""
    try:
        return file_of(url).exists()
    except BadDatabaseUrl:
        return True


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
    """What can only be seen with the key store open. Redis, mail and rate limits are looked at apart."""
    alone = config.model_copy(update={"redis_url": SecretStr(""), "smtp_url": SecretStr(""), "rate_limits": {}})
    try:
        # `restoring`: nothing is reconciled.
        async with open_runtime(alone, restoring=True) as runtime:
            report.add(Verdict.OK, "key store", "opens with the master key")
            await _check_moments(runtime, report)
            if not config.development:
                await refuse_demo_clients(runtime)
            await _check_organizations(runtime, report)
    except MasterKeyError as error:
        report.add(Verdict.ERROR, "key store", str(error))
    except RestoreUnconfirmed as error:
        report.add(Verdict.ERROR, "databases", str(error))
    except DemoInProduction as error:
        report.add(Verdict.ERROR, "demo", str(error))


async def _check_moments(runtime: Runtime, report: Report) -> None:
    if await runtime.pair_state() is PairState.MAIN_OLDER:
        report.add(Verdict.WARNING, "restore", "The main database was restored. Look at `patron restore check`.")
    elif await runtime.pair_state() is PairState.KEYSTORE_OLDER:
        report.add(Verdict.ERROR, "restore", "The key store is older than the data. Look at `patron restore check`.")


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
