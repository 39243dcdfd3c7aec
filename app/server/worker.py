"""The worker: what happens without a request. Several may run at once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from app.accounts.oauth.assertions import sweep as sweep_assertions
from app.accounts.reminders.expiring_cards import remind_of_expiring_cards
from app.customers.orders.guest_order_keys import discard_spent_keys
from app.customers.payment_methods.attempts import sweep as sweep_attempts
from app.customers.payment_methods.gateways.interface import Gateways
from app.customers.payment_methods.reconciliation import reconcile
from app.identity.guessing import repository as guessing
from app.identity.proofs.repository import sweep as sweep_proofs
from app.platform.clock import now
from app.platform.logs import log_exception
from app.platform.mail.delivery import MailTransport, deliver_due
from app.platform.mail.delivery import sweep as sweep_mail
from app.privacy.deletion import finish_deletions
from app.privacy.erasure import erase_due
from app.privacy.orphaned_keys import sweep_orphaned_keys
from app.server.runtime import Runtime

RECONCILE_BATCH_SIZE = 20
HOUR = 3600.0
log = structlog.get_logger(__name__)


async def run_worker(runtime: Runtime, stop: asyncio.Event) -> None:
    """Run all loops until `stop` is set; what is under way is finished first."""
    interval = runtime.settings.worker_interval
    gateways = runtime.services.get(Gateways)
    transport = runtime.services.get(MailTransport)
    if transport.server is None and not transport.keep_sent:
        log.warning("mail_not_delivered", reason="PATRON_SMTP_URL is not set: mails stay in the outbox")
    frequent_jobs: list[Callable[[], Awaitable[int]]] = [
        lambda: erase_due(runtime.store),
        lambda: finish_deletions(runtime.store),
        lambda: guessing.sweep(runtime.store),
        lambda: deliver_due(runtime.store, transport),
        lambda: discard_spent_keys(runtime.store),
        lambda: reconcile(runtime.store, gateways, limit=RECONCILE_BATCH_SIZE),
    ]
    hourly_jobs: list[Callable[[], Awaitable[int]]] = [
        lambda: sweep_mail(runtime.store),
        lambda: sweep_proofs(runtime.store),
        lambda: sweep_orphaned_keys(runtime.store),
        lambda: sweep_assertions(runtime.store),
        lambda: sweep_attempts(runtime.store),
        lambda: remind_of_expiring_cards(runtime.store, moment=now()),
    ]
    await asyncio.gather(
        *(_run_periodically(one, interval, stop) for one in frequent_jobs),
        *(_run_periodically(one, HOUR, stop) for one in hourly_jobs),
    )


async def _run_periodically(job: Callable[[], Awaitable[int]], interval: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await job()
        except Exception as error:  # noqa: BLE001 - a loop must outlive a database that is away for a moment
            log_exception("worker_step_failed", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval)
