"""The worker: what happens without a request. Several may run at once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from app.accounts.oauth.assertions import sweep as sweep_assertions
from app.accounts.reminders.expiring_cards import remind_of_expiring_cards
from app.customers.orders.own_keys import discard_spent
from app.customers.payment_methods.attempts import sweep as sweep_attempts
from app.customers.payment_methods.gateways.interface import Gateways
from app.customers.payment_methods.reconcile import reconcile
from app.identity.guessing import repository as guessing
from app.identity.proofs.repository import sweep as sweep_proofs
from app.platform.clock import now
from app.platform.logs import report
from app.platform.mail.delivery import Post, deliver_due
from app.platform.mail.delivery import sweep as sweep_mail
from app.privacy.deletion import finish_deletions
from app.privacy.erasing import erase_due
from app.privacy.sweeping import sweep_keys
from app.server.house import House

RECONCILED_AT_ONCE = 20
HOUR = 3600.0
log = structlog.get_logger(__name__)


async def work(house: House, stop: asyncio.Event) -> None:
    """Run all loops until `stop` is set; what is under way is finished first."""
    interval = house.settings.worker_interval
    gateways = house.services.get(Gateways)
    post = house.services.get(Post)
    if post.server is None and not post.keeps:
        log.warning("mail_not_delivered", reason="PATRON_SMTP_URL is not set: mails stay in the outbox")
    often: list[Callable[[], Awaitable[int]]] = [
        lambda: erase_due(house.store),
        lambda: finish_deletions(house.store),
        lambda: guessing.sweep(house.store),
        lambda: deliver_due(house.store, post),
        lambda: discard_spent(house.store),
        lambda: reconcile(house.store, gateways, limit=RECONCILED_AT_ONCE),
    ]
    hourly: list[Callable[[], Awaitable[int]]] = [
        lambda: sweep_mail(house.store),
        lambda: sweep_proofs(house.store),
        lambda: sweep_keys(house.store),
        lambda: sweep_assertions(house.store),
        lambda: sweep_attempts(house.store),
        lambda: remind_of_expiring_cards(house.store, moment=now()),
    ]
    await asyncio.gather(*(_loop(one, interval, stop) for one in often), *(_loop(one, HOUR, stop) for one in hourly))


async def _loop(step: Callable[[], Awaitable[int]], interval: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await step()
        except Exception as fault:  # noqa: BLE001 - a loop must outlive a database that is away for a moment
            report("worker_step_failed", fault)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval)
