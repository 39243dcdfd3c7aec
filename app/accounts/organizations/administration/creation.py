"""Creation of organizations, by the default organization (GraphQL) or by an operator (command line)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.administration.settings import apply_changes
from app.accounts.organizations.service import ClientKind, NewClient, add_client
from app.accounts.organizations.tables import Organization
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.errors import AppError, AppErrorGroup, ErrorCode, ErrorRule, Invalid
from app.platform.principal import Scope
from app.platform.validation import Validation
from app.platform.values import text_parser
from app.platform.vault.vault import Vault

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class SlugTaken(AppError):
    """Another organization has this slug."""

    code = ErrorCode.TAKEN
    message = "Another organization has this short name."
    field = ("slug",)


class DefaultTaken(AppError):
    """There is a default organization already."""

    code = ErrorCode.TAKEN
    message = "Another organization is the default one."
    field = ("isDefault",)


@dataclass(frozen=True, slots=True)
class CreatedOrganization:
    """A new organization with its first storefront and integration. Their keys cannot be read again later."""

    organization: Organization
    storefront: NewClient
    integration: NewClient


async def is_default_organization(session: AsyncSession, *, organization_id: UUID) -> bool:
    """Whether this is the default organization, which alone may create others."""
    statement = select(Organization.id).where(Organization.id == organization_id, col(Organization.is_default))
    return (await session.exec(statement)).first() is not None


async def create(
    session: AsyncSession, vault: Vault, *, slug: str, name: str, scopes: frozenset[Scope]
) -> CreatedOrganization:
    """Create an organization whose integration has `scopes`. Raise `AppErrorGroup`, `SlugTaken`."""
    organization = await add(session, slug=slug, name=name, settings={})
    organization_id = organization.id
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
    return CreatedOrganization(organization, storefront, integration)


async def add(
    session: AsyncSession, *, slug: str, name: str, settings: Mapping[str, Any], is_default: bool = False
) -> Organization:
    """Add an organization without clients. Raise `AppErrorGroup`, `SlugTaken`, `DefaultTaken`."""
    validation = Validation()
    parsed_slug = validation.require("slug", _parse_slug, slug)
    parsed_name = validation.require("name", text_parser(1, 255), name)
    try:
        parsed_settings = apply_changes({}, settings)
    except AppErrorGroup as group:
        validation.merge(errors=group.errors)
    validation.raise_errors()
    organization_id = new_id()
    inserted = await insert_if_absent(
        session,
        Organization,
        id=organization_id,
        slug=parsed_slug,
        name=parsed_name,
        settings=parsed_settings,
        is_default=is_default,
        created_at=now(),
    )
    if not inserted:
        taken = (await session.exec(select(Organization.id).where(col(Organization.slug) == parsed_slug))).first()
        raise SlugTaken if taken else DefaultTaken
    return await session.get_one(Organization, organization_id)


async def make_default(session: AsyncSession, *, organization_id: UUID) -> None:
    """Make this the default organization, in place of the one that is."""
    statement = update(Organization).where(col(Organization.is_default)).values(is_default=False)
    await session.exec(statement)
    await session.exec(update(Organization).where(col(Organization.id) == organization_id).values(is_default=True))


def _parse_slug(raw: str) -> str:
    value = text_parser(2, 64)(raw)
    if not SLUG.fullmatch(value):
        raise Invalid("Use lower-case letters, digits, and hyphens between them.", rule=ErrorRule.PATTERN)
    return value
