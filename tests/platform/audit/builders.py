"""A shop with a tree over its audit log, and an attacker who writes to its database."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update

from app.platform.audit.building import extend_tree
from app.platform.audit.tables import AuditEvent, AuditLeaf
from app.platform.audit.verification import Report, verify
from app.platform.clock import now
from app.platform.db.columns import new_id
from tests.shop import Shop

PUBLIC_URL = "https://shop.example.org/accounts/"


class Place(NamedTuple):
    """An event and its place in the tree."""

    position: int
    event_id: UUID
    action: str


async def grow(shop: Shop) -> int:
    """Run the worker's job once."""
    return await extend_tree(shop.runtime.store, public_url=PUBLIC_URL)


async def shop_with_tree(shop: Shop) -> list[Place]:
    """A history of two customers in two organizations, all of it in the tree."""
    elsewhere = await shop.create_organization("elsewhere")
    for organization in (shop.organization, elsewhere):
        for name in ("ann", "bob"):
            await shop.register(f"{name}@example.org", organization=organization)
    await grow(shop)
    return await places(shop)


async def places(shop: Shop) -> list[Place]:
    """The events in the order of the tree."""
    statement = (
        select(AuditLeaf.position, AuditEvent.id, AuditEvent.action)  # type: ignore[call-overload]
        .join(AuditEvent, AuditEvent.id == AuditLeaf.event_id)
        .order_by(AuditLeaf.position)
    )
    async with shop.runtime.store.database.engine.connect() as connection:
        return [Place(*row) for row in await connection.execute(statement)]


async def add_events(shop: Shop, count: int, *, first_id: UUID | None = None) -> None:
    """Write events of the shop's organization directly."""
    ids = [first_id or new_id(), *(new_id() for _ in range(count - 1))]
    async with shop.runtime.store.database.engine.begin() as connection:
        await connection.execute(
            AuditEvent.__table__.insert(),  # type: ignore[attr-defined]
            [
                {
                    "owner_id": shop.organization.id,
                    "id": event_id,
                    "organization_id": shop.organization.id,
                    "actor_kind": "SYSTEM",
                    "action": "customer.erased",
                    "fields": [],
                    "at": now(),
                }
                for event_id in ids
            ],
        )


async def change_event(shop: Shop, event_id: UUID, **values: object) -> None:
    """Change columns of an event, as whoever has the database can."""
    async with shop.runtime.store.database.engine.begin() as connection:
        await connection.execute(update(AuditEvent).where(AuditEvent.id == event_id).values(**values))  # type: ignore[arg-type]


async def move_leaf(shop: Shop, event_id: UUID, position: int) -> None:
    """Give an event another place in the tree."""
    async with shop.runtime.store.database.engine.begin() as connection:
        statement = update(AuditLeaf).where(AuditLeaf.event_id == event_id).values(position=position)  # type: ignore[arg-type]
        await connection.execute(statement)


async def findings(shop: Shop) -> list[tuple[str, UUID | None]]:
    """What verification finds: the kind, and the event that it names."""
    return named(await verify(shop.runtime.store))


def named(report: Report) -> list[tuple[str, UUID | None]]:
    """Kind and event of each finding."""
    return [(one.kind.value, one.event_id) for one in report.findings]


def events(found: Sequence[tuple[str, UUID | None]]) -> set[UUID | None]:
    """The events that are named."""
    return {event_id for _, event_id in found}
