"""The plan of an erasure: what would go, what would stay and why, and what stands in its way."""

from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from app.customers.anonymizations import repository as anonymizations
from app.customers.anonymizations.repository import AnonymizationStatus
from app.customers.tables import Customer
from app.platform.db.locks import lock_customer
from app.platform.vault import epochs, holds
from app.platform.vault.epochs import PairState
from app.platform.vault.vault import Store
from app.privacy import inventory
from app.privacy.inventory import Entry

FINAL = {AnonymizationStatus.COMPLETED.value, AnonymizationStatus.CANCELLED.value}


class Obstacle(Enum):
    """Why an erasure cannot be requested, or would not start."""

    ALREADY_REQUESTED = "ALREADY_REQUESTED"
    ALREADY_ANONYMIZED = "ALREADY_ANONYMIZED"
    LEGAL_HOLD = "LEGAL_HOLD"
    RESTORE_UNCONFIRMED = "RESTORE_UNCONFIRMED"


class Block(NamedTuple):
    """An obstacle, and when it is over, if that is known."""

    reason: Obstacle
    until: datetime | None = None


class Plan(NamedTuple):
    """What a request about a customer would do now."""

    blocked_by: list[Block]
    entries: list[Entry]


async def plan(store: Store, *, organization_id: UUID, customer_id: UUID) -> Plan | None:
    """The plan for a customer; None when there is no such customer."""
    async with store.database.transaction() as session:
        customer = await session.get(Customer, customer_id)
        if customer is None or customer.organization_id != organization_id or customer.deleted_at is not None:
            return None
        # Counted like the erasure counts: at one moment.
        await lock_customer(session, organization_id=organization_id, customer_id=customer_id)
        found = await inventory.of_customer(session, store, organization_id=organization_id, customer_id=customer_id)
    return Plan(await _blocks(store, organization_id=organization_id, customer=customer), inventory.entries(found))


async def _blocks(store: Store, *, organization_id: UUID, customer: Customer) -> list[Block]:
    blocks = []
    (latest,) = await anonymizations.latest(store, organization_id, [customer.id])
    if customer.erased_at is not None:
        blocks.append(Block(Obstacle.ALREADY_ANONYMIZED))
    elif latest is not None and latest.status not in FINAL:
        blocks.append(Block(Obstacle.ALREADY_REQUESTED))
    in_force = await holds.in_force(store.vault.keystore, organization_id=organization_id, person_id=customer.id)
    if in_force:
        blocks.append(Block(Obstacle.LEGAL_HOLD, holds.latest_end(in_force)))
    if (await epochs.read(store.database, store.vault.keystore)).state is not PairState.SAME:
        blocks.append(Block(Obstacle.RESTORE_UNCONFIRMED))
    return blocks
