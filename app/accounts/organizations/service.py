"""Creation of organizations and API clients."""

import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.callers import KEY_PURPOSE
from app.accounts.organizations.tables import ApiClient, Organization
from app.platform.clock import now
from app.platform.principal import Scope
from app.platform.vault.vault import Vault


class ClientKind(Enum):
    """Publishable (a storefront in a browser) or confidential (a system that can keep a secret)."""

    PUBLISHABLE = "publishable"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client that was just created. `key` is stored only as a keyed hash and cannot be read again later."""

    id: UUID
    key: str


def add_organization(
    session: AsyncSession, *, slug: str, name: str, settings: dict[str, Any], is_default: bool = False
) -> Organization:
    """Add an organization; `settings` are the fields of `OrganizationSettings` that differ from their defaults."""
    organization = Organization(slug=slug, name=name, settings=settings, is_default=is_default, created_at=now())
    session.add(organization)
    return organization


def add_client(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    kind: ClientKind,
    name: str,
    scopes: frozenset[Scope] = frozenset(),
    public_key: str | None = None,
) -> NewClient:
    """Add a client; its key starts with `pk_` for a storefront and with `sk_` for an integration."""
    prefix = "pk" if kind is ClientKind.PUBLISHABLE else "sk"
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    client = ApiClient(
        organization_id=organization_id,
        kind=kind.value,
        name=name,
        key_hash=vault.fingerprints.compute(KEY_PURPOSE, key),
        scopes=" ".join(sorted(scope.value for scope in scopes)),
        public_key=public_key,
        created_at=now(),
    )
    session.add(client)
    return NewClient(client.id, key)
