"""Repository of organizations, for background jobs."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.tables import Organization as Row
from app.platform.principal import Organization, OrganizationSettings


async def by_id(session: AsyncSession, organization_id: UUID) -> Organization:
    """The organization that a row refers to; a foreign key guarantees that it exists."""
    row = await session.get_one(Row, organization_id)
    return Organization(row.id, row.slug, row.name, OrganizationSettings.from_stored(row.settings))
