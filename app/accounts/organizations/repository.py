"""Repository of organizations, for background jobs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.tables import Organization as Row
from app.platform.db.engine import Database
from app.platform.db.reading import Read
from app.platform.principal import Organization, OrganizationSettings

_COLUMNS: Sequence[Any] = (Row.id, Row.slug, Row.name, Row.settings)
_EVERY = Read(
    sqlalchemy.select(*_COLUMNS).order_by(col(Row.id)),
    lambda row: Organization(row[0], row[1], row[2], OrganizationSettings.from_stored(row[3])),
)
_ANY = Read(sqlalchemy.select(col(Row.id)).limit(1), tuple)


async def by_id(session: AsyncSession, organization_id: UUID) -> Organization:
    """The organization that a row refers to; a foreign key guarantees that it exists."""
    row = await session.get_one(Row, organization_id)
    return Organization(row.id, row.slug, row.name, OrganizationSettings.from_stored(row.settings))


async def by_slug(session: AsyncSession, slug: str) -> Organization | None:
    """The organization with this short name."""
    return await _first(session, col(Row.slug) == slug)


async def default(session: AsyncSession) -> Organization | None:
    """The default organization."""
    return await _first(session, col(Row.is_default))


async def every(database: Database) -> list[Organization]:
    """All organizations."""
    return await database.rows(_EVERY)


async def _first(session: AsyncSession, condition: Any) -> Organization | None:
    row = (await session.exec(select(Row).where(condition))).first()
    return Organization(row.id, row.slug, row.name, OrganizationSettings.from_stored(row.settings)) if row else None


async def has_no_organization(database: Database) -> bool:
    """Whether the database is new: nothing begins without an organization."""
    return await database.row(_ANY) is None
