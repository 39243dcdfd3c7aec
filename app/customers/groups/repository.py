"""Reads customer groups."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col
from sqlmodel import select as select_one
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.groups.tables import CustomerGroup
from app.platform.blanks import is_storable
from app.platform.db.reading import Read, any_of, columns
from app.platform.vault.vault import Store


class GroupRow(NamedTuple):
    """The columns that every read of a group selects."""

    id: UUID
    code: str
    name: str
    tax_exempt: bool
    is_default: bool
    created_at: datetime
    updated_at: datetime


_COLUMNS = columns(CustomerGroup, GroupRow)
_IN_ORGANIZATION = col(CustomerGroup.organization_id) == bindparam("organization_id")
# The default group, for inserting a customer. It is not locked, as all registrations would contend for it: if it is
# deleted concurrently, the foreign key rejects the customer, and the mutation runs again.
DEFAULT_GROUP_ID = (
    select(col(CustomerGroup.id)).where(_IN_ORGANIZATION, col(CustomerGroup.is_default)).scalar_subquery()
)
_ALL = Read(select(*_COLUMNS).where(_IN_ORGANIZATION).order_by(col(CustomerGroup.code)), GroupRow._make)
_BY_CODE = Read(select(*_COLUMNS).where(_IN_ORGANIZATION, col(CustomerGroup.code) == bindparam("code")), GroupRow._make)
_BY_IDS = Read(select(*_COLUMNS).where(_IN_ORGANIZATION, any_of(CustomerGroup.id, "ids")), GroupRow._make)


def row_of(group: CustomerGroup) -> GroupRow:
    """The columns of a row that was just written."""
    return GroupRow._make(getattr(group, name) for name in GroupRow._fields)


async def by_organization(store: Store, *, organization_id: UUID) -> list[GroupRow]:
    """All groups of an organization, ordered by code."""
    return await store.database.rows(_ALL, organization_id=organization_id)


async def by_code(store: Store, *, organization_id: UUID, code: str) -> GroupRow | None:
    """The group with this code."""
    if not is_storable(code):
        return None
    return await store.database.row(_BY_CODE, organization_id=organization_id, code=code)


async def by_ids(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[GroupRow | None]:
    """The groups with these ids in their order; None where the organization has none."""
    rows = await store.database.rows(_BY_IDS, organization_id=organization_id, ids=ids)
    found = {row.id: row for row in rows}
    return [found.get(one) for one in ids]


async def find(session: AsyncSession, *, organization_id: UUID, group_id: UUID | None, code: str) -> UUID | None:
    """The id of the group with this id, or else with this code, if the organization has it. It is not locked."""
    if group_id is None and not is_storable(code):
        return None
    statement = select_one(CustomerGroup.id).where(
        CustomerGroup.organization_id == organization_id,
        CustomerGroup.id == group_id if group_id is not None else CustomerGroup.code == code,
    )
    return (await session.exec(statement)).first()


async def exists(session: AsyncSession, *, organization_id: UUID, group_id: UUID) -> bool:
    """Whether the organization has the group. It is not locked: the foreign key decides when it is deleted."""
    statement = select_one(CustomerGroup.id).where(
        CustomerGroup.organization_id == organization_id, CustomerGroup.id == group_id
    )
    return (await session.exec(statement)).first() is not None
