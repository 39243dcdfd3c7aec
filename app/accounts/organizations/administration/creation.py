"""Makes another organization, for the one that runs the house."""

import re
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.service import ClientKind, NewClient, add_client
from app.accounts.organizations.tables import Organization
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.errors import AppError, ErrorCode, Invalid
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import text_parser
from app.platform.vault.vault import Vault

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class SlugTaken(AppError):
    """Another organization has the short name."""

    code = ErrorCode.TAKEN
    message = "Another organization has this short name."
    field = ("slug",)


@dataclass(frozen=True, slots=True)
class CreatedOrganization:
    """The organization with its first storefront and its first integration; their keys are shown this once."""

    organization: Organization
    storefront: NewClient
    integration: NewClient


async def is_default_organization(session: AsyncSession, *, organization_id: UUID) -> bool:
    """Whether this is the default organization: the one that may make others."""
    statement = select(Organization.id).where(Organization.id == organization_id, col(Organization.is_default))
    return (await session.exec(statement)).first() is not None


async def create(
    session: AsyncSession, vault: Vault, *, slug: str, name: str, scopes: frozenset[Scope]
) -> CreatedOrganization:
    """Create an organization whose integration has `scopes`. Raise `AppErrorGroup`, `SlugTaken`."""
    validation = Validation()
    parsed_slug = validation.require("slug", _parse_slug, slug)
    parsed_name = validation.require("name", text_parser(1, 255), name)
    validation.raise_errors()
    organization_id = new_id()
    inserted = await insert_if_absent(
        session,
        Organization,
        id=organization_id,
        slug=parsed_slug,
        name=parsed_name,
        settings={},
        is_default=False,
        created_at=now(),
    )
    if not inserted:
        raise SlugTaken
    storefront = add_client(
        session, vault, organization_id=organization_id, kind=ClientKind.PUBLISHABLE, name="Storefront"
    )
    integration = add_client(
        session,
        vault,
        organization_id=organization_id,
        kind=ClientKind.CONFIDENTIAL,
        name="Back office",
        scopes=scopes,
    )
    return CreatedOrganization(await session.get_one(Organization, organization_id), storefront, integration)


def _parse_slug(raw: str) -> str:
    value = text_parser(2, 64)(raw)
    if not SLUG.fullmatch(value):
        raise Invalid("Use lower-case letters, digits, and hyphens between them.")
    return value
