"""The worker: which background jobs there are. Several workers may run at the same time."""

import asyncio
from datetime import timedelta
from functools import partial

import structlog

from app.accounts.oauth.assertions import sweep as sweep_assertions
from app.accounts.reminders.expiring_cards import remind_of_expiring_cards
from app.accounts.webhooks.deliveries import deliver_due as deliver_webhooks
from app.accounts.webhooks.deliveries import sweep as sweep_webhooks
from app.accounts.webhooks.egress import Egress
from app.customers.orders.guest_order_keys import discard_spent_keys
from app.customers.payment_methods.attempts import sweep as sweep_attempts
from app.customers.payment_methods.gateways.interface import Gateways
from app.customers.payment_methods.reconciliation import reconcile
from app.identity.guessing import repository as guessing
from app.identity.proofs.repository import sweep as sweep_proofs
from app.identity.sessions.sweeping import sweep_refresh_tokens
from app.platform.audit.building import extend_tree
from app.platform.clock import now
from app.platform.jobs.running import Job, run_jobs
from app.platform.mail.delivery import MailTransport, deliver_due
from app.platform.vault import epochs
from app.platform.vault.schedule import follow
from app.privacy.deletion import finish_deletions
from app.privacy.erasure import erase_due
from app.privacy.exports.building import build_due
from app.privacy.exports.building import sweep as sweep_exports
from app.privacy.orphaned_keys import sweep_orphaned_keys
from app.privacy.policy import PrivacyPolicy
from app.privacy.receipts.issuing import Issuer, issue_receipts
from app.privacy.restores import keep_pair
from app.privacy.retention.applying import apply_retention
from app.server.runtime import Runtime, key_schedule

RECONCILE_BATCH_SIZE = 20
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
log = structlog.get_logger(__name__)


async def run_worker(runtime: Runtime, stop: asyncio.Event) -> None:
    """Run all jobs until `stop` is set; current runs are finished first."""
    transport = runtime.services.get(MailTransport)
    if transport.server is None and not transport.keep_sent:
        log.warning("mail_not_delivered", reason="PATRON_SMTP_URL is not set: mails stay in the outbox")
    await run_jobs(runtime.store.database, jobs(runtime), stop)


def jobs(runtime: Runtime) -> list[Job]:
    """All background jobs. Frequent ones take rows from work queues; hourly ones run on one worker at a time."""
    privacy = runtime.services.get(PrivacyPolicy)
    store, transport = runtime.store, runtime.services.get(MailTransport)
    gateways = runtime.services.get(Gateways)
    interval = timedelta(seconds=runtime.settings.worker_interval)

    async def announce_expiring_cards() -> int:
        return await remind_of_expiring_cards(store, moment=now())

    vault, settings = store.vault, runtime.settings
    schedule = key_schedule(settings)

    async def keep_key_versions() -> int:
        # A key that only the other moment's database needs must not lose its version.
        await epochs.require_same(store.database, vault.keystore)
        return await follow(vault.keystore, vault.ring, schedule, moment=now())

    async def vacuum_key_store() -> int:
        await vault.keystore.vacuum()
        return 0

    async def empty_log() -> int:
        return int(await store.database.empty_log())

    async def build_audit_tree() -> int:
        return await extend_tree(store, public_url=settings.public_url)

    return [
        Job("erase", interval, partial(erase_due, store)),
        Job("issue-receipts", interval, partial(issue_receipts, store, Issuer(settings.public_url, schedule))),
        Job("build-data-exports", interval, partial(build_due, store)),
        Job("advance-epoch", MINUTE, partial(keep_pair, store), exclusive=True),
        Job("finish-deletions", interval, partial(finish_deletions, store)),
        Job("sweep-guess-counters", interval, partial(guessing.sweep, store)),
        Job("deliver-mail", interval, partial(deliver_due, store, transport)),
        Job("deliver-webhooks", interval, partial(deliver_webhooks, store, runtime.services.get(Egress))),
        Job("discard-guest-order-keys", interval, partial(discard_spent_keys, store)),
        Job("reconcile-payment-methods", interval, partial(reconcile, store, gateways, limit=RECONCILE_BATCH_SIZE)),
        Job("extend-audit-tree", MINUTE, build_audit_tree, exclusive=True),
        Job("sweep-webhook-deliveries", HOUR, partial(sweep_webhooks, store), exclusive=True),
        Job("sweep-data-exports", HOUR, partial(sweep_exports, store), exclusive=True),
        Job("apply-retention", HOUR, partial(apply_retention, store, privacy), exclusive=True),
        Job("sweep-refresh-tokens", HOUR, partial(sweep_refresh_tokens, store), exclusive=True),
        Job("sweep-proofs", HOUR, partial(sweep_proofs, store), exclusive=True),
        Job("sweep-orphaned-keys", HOUR, partial(sweep_orphaned_keys, store), exclusive=True),
        Job("sweep-assertions", HOUR, partial(sweep_assertions, store), exclusive=True),
        Job("sweep-payment-attempts", HOUR, partial(sweep_attempts, store), exclusive=True),
        Job("announce-expiring-cards", HOUR, announce_expiring_cards, exclusive=True),
        Job("keep-key-versions", HOUR, keep_key_versions, exclusive=True),
        Job("vacuum-key-store", HOUR, vacuum_key_store, exclusive=True),
        Job("empty-sqlite-log", MINUTE, empty_log, exclusive=True),
    ]
