"""The worker: what happens without a request. Several may run at once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.house import House
from app.logs import report
from app.payment_methods.gateways.interface import Gateways
from app.payment_methods.reconcile import reconcile
from app.privacy.erasing import erase_due
from app.privacy.sweeping import sweep_keys

RECONCILED_AT_ONCE = 20
SWEEP_SECONDS = 3600.0


async def work(house: House, stop: asyncio.Event) -> None:
    """Run all loops until `stop` is set; what is under way is finished first."""
    interval = house.settings.worker_interval
    gateways = house.services.get(Gateways)
    loops: list[tuple[Callable[[], Awaitable[int]], float]] = [
        (lambda: erase_due(house.store), interval),
        (lambda: reconcile(house.store, gateways, limit=RECONCILED_AT_ONCE), interval),
        (lambda: sweep_keys(house.store), SWEEP_SECONDS),
    ]
    await asyncio.gather(*(_loop(step, pause, stop) for step, pause in loops))


async def _loop(step: Callable[[], Awaitable[int]], interval: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await step()
        except Exception as fault:  # noqa: BLE001 - a loop must outlive a database that is away for a moment
            report("worker_step_failed", fault)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval)
