"""The runtime: the long-lived objects of a process, opened and closed in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.oauth.endpoint import TokenEndpoint
from app.accounts.organizations.last_used import LastUsedTracker
from app.accounts.organizations.repository import has_no_organization
from app.accounts.policy import AccountPolicy
from app.accounts.webhooks.api import WebhookPolicy
from app.accounts.webhooks.egress import Egress
from app.customers.newsletter import UnsubscribeLinks
from app.customers.payment_methods.gateways.interface import Gateway, Gateways
from app.customers.payment_methods.gateways.sandbox import SandboxGateway
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import LoginSessionLifetimes, LoginSessions
from app.identity.sessions.signing import SigningKeys
from app.identity.sessions.tokens import AccessTokens
from app.platform.db.engine import Database, DatabaseOptions, same_database
from app.platform.db.migrating import migrate
from app.platform.db.outages import DatabaseUnavailable
from app.platform.db.postgres import BadDatabaseUrl, Waits
from app.platform.db.revisions import DatabaseKind, SchemaState, schema_state
from app.platform.documents.registry import TrustedDocuments
from app.platform.graphql.context import Services
from app.platform.limits.policies import policies
from app.platform.limits.rates import RateLimits
from app.platform.limits.shared import open_windows
from app.platform.limits.sources import SourceResolver
from app.platform.mail.delivery import MailTransport
from app.platform.mail.smtp import BadMailServerUrl, MailServer
from app.platform.settings import Settings
from app.platform.vault import epochs, master, transit
from app.platform.vault.epochs import PairState
from app.platform.vault.providers import KeyProvider
from app.platform.vault.schedule import KeySchedule
from app.platform.vault.vault import Store, open_vault
from app.privacy import restores
from app.privacy.policy import PrivacyPolicy

READY_SECONDS = 2.0
CLOSE_SECONDS = 1.0
log = structlog.get_logger(__name__)


class BadSetting(Exception):
    """A setting of the process that cannot be used; the message names it and says what to do."""


class NotMigrated(Exception):
    """The schema of a database is not at the newest revision."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The objects that requests, the worker and the command line share."""

    settings: Settings
    store: Store
    services: Services

    async def schema_states(self) -> dict[str, SchemaState | None]:
        """The state of each database's schema, by its name; None while it is unavailable."""
        found = (self.store.database, DatabaseKind.MAIN), (self.store.vault.keystore, DatabaseKind.KEYSTORE)
        checks = {kind.value: asyncio.create_task(_state(database, kind)) for database, kind in found}
        # Not cancelled when it is late: that would wait for the database once more. It ends by its own timeout.
        await asyncio.wait(checks.values(), timeout=READY_SECONDS)
        return {name: check.result() if check.done() else None for name, check in checks.items()}

    async def pair_state(self) -> PairState:
        """Whether the databases are of one moment."""
        return (await epochs.read(self.store.database, self.store.vault.keystore)).state

    async def missing_key_versions(self) -> dict[int, str]:
        """The key versions that are needed and cannot be used, each with the reason."""
        return await self.store.vault.ring.refresh()


async def _state(database: Database, kind: DatabaseKind) -> SchemaState | None:
    try:
        return await schema_state(database, kind)
    except (DatabaseUnavailable, SQLAlchemyError):
        return None


def _refuse_unless_served(kind: DatabaseKind, state: SchemaState) -> None:
    if state is SchemaState.INCOMPATIBLE:
        message = f"The {kind.value} database is of a newer program and does not fit this one: run the newer one."
        raise NotMigrated(message)
    if not state.can_be_served:
        message = f"The {kind.value} database has another version than this program: run `patron migrate`."
        raise NotMigrated(message)
    if state is SchemaState.AHEAD:
        log.warning("database_ahead", database=kind.value)


def databases(settings: Settings) -> tuple[Database, Database]:
    """The main database, with its replica where there is one, and the key store."""
    reads = settings.database_reads_url.get_secret_value()
    small_pool = max(1, settings.database_connections // 8)
    options = DatabaseOptions(
        settings.database_connections // 2 - small_pool * (2 if reads else 1),
        settings.statement_cache_size,
        waits=Waits(
            settings.database_command_timeout,
            settings.database_connect_timeout,
            settings.database_lock_timeout,
            settings.database_keepalive,
        ),
        pool_timeout=settings.database_pool_timeout,
        idle_seconds=settings.database_idle_timeout,
    )
    main, keystore = settings.database_url.get_secret_value(), settings.keystore_url.get_secret_value()
    found = (
        _database("PATRON_DATABASE_URL", main, replace(options, sharded=settings.database_sharded)),
        _database(
            "PATRON_KEYSTORE_URL",
            keystore,
            replace(options, pool_size=small_pool, secure_delete=True, name="keystore"),
        ),
    )
    if same_database(main, keystore):
        message = (
            "PATRON_KEYSTORE_URL: This is the database of PATRON_DATABASE_URL. Give the key store its own: "
            "who is forgotten must not come back with a backup of the other one."
        )
        raise BadSetting(message)
    if reads:
        if not options.pool_size:
            message = "PATRON_DATABASE_CONNECTIONS: A process with a replica needs at least 6."
            raise BadSetting(message)
        replica = replace(options, pool_size=small_pool, is_replica=True, name="replica")
        found[0].replica = _database("PATRON_DATABASE_READS_URL", reads, replica)
    return found


def _database(setting: str, url: str, options: DatabaseOptions) -> Database:
    try:
        return Database(url, options)
    except BadDatabaseUrl as error:
        message = f"{setting}: {error}"
        raise BadSetting(message) from None
    except OSError as error:
        message = f"{setting}: The folder of the file cannot be made ({error.strerror}). Choose another."
        raise BadSetting(message) from None


def key_providers(settings: Settings) -> dict[str, KeyProvider]:
    """The configured key providers by name; those beside `settings.key_provider` unwrap what they wrapped before."""
    providers: dict[str, KeyProvider] = {}
    if text := settings.master_key.get_secret_value():
        providers[master.NAME] = master.TextKeyProvider(text)
    elif settings.master_key_file is not None:
        providers[master.NAME] = master.FileKeyProvider(settings.master_key_file, create=settings.development)
    if settings.transit_url:
        providers[transit.NAME] = transit.TransitKeyProvider(
            settings.transit_url,
            _token_reader(settings),
            mount=settings.transit_mount,
            prefix=settings.key_prefix,
        )
    if settings.key_provider not in providers:
        raise BadSetting("PATRON_KEY_PROVIDER: `transit` needs PATRON_TRANSIT_URL.")
    return providers


def _token_reader(settings: Settings) -> Callable[[], str]:
    """Reads the token of the key provider, from the file at every call."""
    path = settings.transit_token_file
    return settings.transit_token.get_secret_value if path is None else lambda: path.read_text().strip()


def key_schedule(settings: Settings) -> KeySchedule:
    """When the worker replaces and destroys key versions."""
    return KeySchedule(
        timedelta(seconds=settings.key_rotation_interval), timedelta(seconds=settings.key_retirement_delay)
    )


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, migrating: bool = False, restoring: bool = False
) -> AsyncIterator[Runtime]:
    """Open the databases and the vault, and load the keys; close everything when the block ends.

    With `migrating`, first migrate the databases to the newest revision; otherwise raise `NotMigrated` when one is
    behind it, or ahead by more than expand steps. Databases of different moments are reconciled first; raise
    `RestoreUnconfirmed` when they must not be served. With `restoring`, only a wrong pair is, and nothing is changed.
    """
    main, keystore = databases(settings)
    try:
        for database, kind in ((main, DatabaseKind.MAIN), (keystore, DatabaseKind.KEYSTORE)):
            if migrating:
                await migrate(database, kind)
            else:
                _refuse_unless_served(kind, await schema_state(database, kind))
        pair = await epochs.read_or_begin(main, keystore, main_is_new=await has_no_organization(main))
        restores.refuse_wrong_pair(pair)
        providers = key_providers(settings)
        vault = await open_vault(keystore, providers, active=settings.key_provider)
        hasher = PasswordHasher(
            settings.argon2_memory, settings.argon2_iterations, settings.argon2_parallel, settings.argon2_queue
        )
        gateways = _gateways(settings)
        egress = Egress(allow_private=settings.webhooks_may_be_private, proxy_url=settings.webhook_proxy)
        store = Store(main, vault)
        if not restoring:
            await restores.open_pair(store)
        try:
            async with open_windows(settings.redis_url.get_secret_value()) as windows:
                limits = RateLimits(
                    policies(settings.limit_scale, settings.rate_limits), windows, store.vault.fingerprints
                )
                services = await _services(settings, store, hasher, gateways, limits)
                _add_limits(services, settings, store, limits)
                services.add(Egress, egress)
                services.add(WebhookPolicy, WebhookPolicy(settings.webhooks_may_be_private))
                yield Runtime(settings, store, services)
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await services.get(LastUsedTracker).drain()
                await vault.ring.close()
        finally:
            hasher.close()
            await gateways.close()
            await egress.close()
    finally:
        await main.close()
        await keystore.close()


def _gateways(settings: Settings) -> Gateways:
    """Stripe if its keys are set; otherwise, in development, the sandbox."""
    gateways: list[Gateway] = []
    if settings.stripe_secret_key:
        # Stripe's library is the largest of all (30 MiB), and only needed with an account there.
        from app.customers.payment_methods.gateways.stripe_gateway import StripeAccount, StripeGateway  # noqa: PLC0415

        account = StripeAccount(
            secret_key=settings.stripe_secret_key.get_secret_value(),
            publishable_key=settings.stripe_publishable_key,
            webhook_secret=settings.stripe_webhook_secret.get_secret_value(),
            api_base=settings.stripe_api_base,
        )
        if not account.webhook_secret:
            log.warning("stripe_events_refused", missing="PATRON_STRIPE_WEBHOOK_SECRET")
        gateways.append(StripeGateway(account))
    elif settings.development:
        gateways.append(SandboxGateway())
    return Gateways(gateways)


def _add_limits(services: Services, settings: Settings, store: Store, limits: RateLimits) -> None:
    services.add(RateLimits, limits)
    services.add(SourceResolver, SourceResolver(store.vault.fingerprints, settings.trusted_proxies))
    required = settings.trusted_documents == "required"
    services.add(TrustedDocuments, TrustedDocuments(store.database, required=required))


def _mail_server(url: str) -> MailServer | None:
    try:
        return MailServer.parse(url) if url else None
    except BadMailServerUrl as error:
        message = f"PATRON_SMTP_URL: {error}"
        raise BadSetting(message) from None


async def _services(
    settings: Settings, store: Store, hasher: PasswordHasher, gateways: Gateways, limits: RateLimits
) -> Services:
    await hasher.warm_up()
    lifetime = timedelta(seconds=settings.access_token_lifetime)
    keys = SigningKeys(store.vault, verify_for=lifetime)
    await keys.load()
    tokens = AccessTokens(keys, issuer=settings.public_url, lifetime=lifetime)
    idle, absolute = settings.refresh_idle_lifetime, settings.refresh_absolute_lifetime
    login_sessions = LoginSessions(
        store.vault, tokens, LoginSessionLifetimes(timedelta(seconds=idle), timedelta(seconds=absolute))
    )
    smtp_url = settings.smtp_url.get_secret_value()
    last_uses = LastUsedTracker(store.database)
    guessing = GuessingPolicy().scaled(max(1, round(settings.limit_scale)))
    return Services(
        hasher,
        keys,
        tokens,
        login_sessions,
        AccountPolicy(settings.password_min_length),
        guessing,
        UnsubscribeLinks(store.vault.fingerprints, public_url=settings.public_url),
        PrivacyPolicy(timedelta(seconds=settings.anonymization_delay)),
        key_schedule(settings),
        gateways,
        MailTransport(
            _mail_server(smtp_url),
            sender=settings.mail_from,
            fallback_url=settings.public_url,
            keep_sent=settings.development,
        ),
        last_uses,
        TokenEndpoint(store, login_sessions, hasher, guessing, limits, last_uses, issuer=settings.public_url),
    )
