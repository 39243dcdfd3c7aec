"""Inventory: counts what is stored about a person, before an erasure for its plan, and after it for its receipt.

The statements are made from `stored_data`, so that a plan, an erasure and a receipt speak of the same stores.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations import repository as organizations
from app.customers import repository as customers
from app.customers.orders import repository as orders
from app.customers.orders.recording import guest_hash
from app.platform.db.columns import main_metadata
from app.platform.db.engine import Database
from app.platform.vault.tables import keystore_metadata
from app.platform.vault.vault import Store, Vault
from app.privacy.stored_data import ANONYMIZED, DELETED, KEYSTORE, OWNED, Ground, Outcome, StoredData

PERSON_KEYS = KEYSTORE[0]
# Stores that are not tables of their own.
GUEST_ORDERS, PAYMENT_GATEWAYS = "guest_orders", "payment_gateways"
ORDERS = next(data for data in OWNED if data.table == "orders")


@dataclass(frozen=True, slots=True)
class Inventory:
    """How many rows each store has about a person; `guest_orders` are the orders of the person as a guest.

    `kept_until` is when the last row of a store goes that an erasure keeps, where the organization has set that.
    """

    counts: Mapping[str, int]
    guest_orders: Collection[UUID] = ()
    kept_until: Mapping[str, datetime] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The form in which a request keeps it: numbers, and the ids of orders."""
        return {
            "counts": dict(self.counts),
            "guestOrders": [one.hex for one in self.guest_orders],
            "keptUntil": {store: moment.isoformat() for store, moment in self.kept_until.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> "Inventory":
        """What `to_json` made; empty for a request whose erasure was counted in a database that was set back since."""
        stored = stored or {}
        kept_until = {store: datetime.fromisoformat(moment) for store, moment in stored.get("keptUntil", {}).items()}
        return cls(stored.get("counts", {}), [UUID(hex=one) for one in stored.get("guestOrders", [])], kept_until)


@dataclass(frozen=True, slots=True)
class Entry:
    """What becomes of a store: of the plan and of the receipt alike."""

    store: str
    count: int
    outcome: Outcome
    ground: Ground | None = None
    kept_until: datetime | None = None


async def of_customer(session: AsyncSession, store: Store, *, organization_id: UUID, customer_id: UUID) -> Inventory:
    """What is stored about a customer now, whom the caller has locked if it is about to be erased."""
    counts = {data.table: await _count(session, data, customer_id) for data in OWNED}
    counts[PAYMENT_GATEWAYS] = counts["payment_methods"] + counts["gateway_customers"]
    guest_orders: list[UUID] = []
    for hashed in await guest_hashes(session, store.vault, organization_id=organization_id, customer_id=customer_id):
        guest_orders += await orders.guest_order_ids(session, organization_id=organization_id, guest_hash=hashed)
    return await _with_keys(session, store, counts, organization_id, [customer_id], guest_orders)


async def of_guest(session: AsyncSession, store: Store, *, organization_id: UUID, guest_hash: bytes) -> Inventory:
    """What is stored about a guest: its orders."""
    found = await orders.guest_order_ids(session, organization_id=organization_id, guest_hash=guest_hash)
    return await _with_keys(session, store, {}, organization_id, [], found)


async def guest_hashes(session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID) -> list[bytes]:
    """By what a customer's orders as a guest are found: its address, and former ones that nobody else has."""
    held = await customers.addresses_held(session, vault, organization_id=organization_id, customer_id=customer_id)
    return [guest_hash(vault, organization_id=organization_id, email_canonical=canonical) for canonical in held]


async def _with_keys(
    session: AsyncSession,
    store: Store,
    counts: dict[str, int],
    organization_id: UUID,
    people: Collection[UUID],
    guest_orders: Collection[UUID],
) -> Inventory:
    keys = await count_keys(store.vault.keystore, [*people, *guest_orders])
    days = (await organizations.by_id(session, organization_id)).settings.retain_orders_days
    kept_until = {}
    for name, owners in ((ORDERS.table, people), (GUEST_ORDERS, guest_orders)):
        newest = await orders.newest_of_owners(session, owners) if days else None
        if days and newest:
            kept_until[name] = newest + timedelta(days=days)
    counted = {**counts, GUEST_ORDERS: len(guest_orders), PERSON_KEYS.table: keys}
    return Inventory(counted, guest_orders, kept_until)


async def left_of(
    session: AsyncSession, keystore: Database, *, customer_id: UUID | None, guest_orders: Collection[UUID]
) -> dict[str, int]:
    """By store, the rows that an erasure should have deleted or emptied, and did not."""
    found = {}
    if customer_id is not None:
        for data in OWNED:
            if data.outcome is DELETED:
                found[data.table] = await _count(session, data, customer_id)
            elif data.outcome is ANONYMIZED:
                found[data.table] = await _count(session, data, customer_id, _is_filled(data))
    for order_id in guest_orders:
        filled = await _count(session, ORDERS, order_id, _is_filled(ORDERS))
        found[GUEST_ORDERS] = found.get(GUEST_ORDERS, 0) + filled
    people = [customer_id] if customer_id else []
    found[PERSON_KEYS.table] = await count_keys(keystore, [*people, *guest_orders])
    return {store: count for store, count in found.items() if count}


async def kept_of(session: AsyncSession, *, customer_id: UUID) -> dict[str, int]:
    """By store, the rows that stay."""
    return {data.table: await _count(session, data, customer_id) for data in OWNED if data.outcome is not DELETED}


async def count_keys(keystore: Database, ids: Collection[UUID]) -> int:
    """How many of these people and orders have a data key."""
    table = keystore_metadata.tables[PERSON_KEYS.table]
    async with keystore.transaction() as session:
        statement = select(func.count()).select_from(table).where(table.c.person_id.in_(ids))
        return int((await session.exec(statement)).scalar_one())  # type: ignore[call-overload]


def entries(inventory: Inventory) -> list[Entry]:
    """What an erasure does to each store that has something, in the order of `stored_data`."""
    outcomes = [(data.table, data.outcome, data.ground) for data in (*OWNED, PERSON_KEYS) if data.outcome is not None]
    outcomes += [(GUEST_ORDERS, ANONYMIZED, Ground.BOOKKEEPING), (PAYMENT_GATEWAYS, DELETED, None)]
    return [
        Entry(store, count, outcome, ground, inventory.kept_until.get(store))
        for store, outcome, ground in outcomes
        if (count := inventory.counts.get(store, 0))
    ]


async def _count(session: AsyncSession, data: StoredData, owner_id: UUID, *conditions: ColumnElement[bool]) -> int:
    assert data.owner is not None  # noqa: S101 - the rows are somebody's
    table = main_metadata.tables[data.table]
    statement: Select[Any] = select(func.count()).select_from(table).where(table.c[data.owner] == owner_id, *conditions)
    return int((await session.exec(statement)).scalar_one())  # type: ignore[call-overload]


def _is_filled(data: StoredData) -> ColumnElement[bool]:
    table = main_metadata.tables[data.table]
    return or_(*(table.c[name].is_not(None) for name in data.emptied.split()))
