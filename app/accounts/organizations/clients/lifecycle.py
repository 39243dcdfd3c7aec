"""Lifecycle of API clients: create, rotate, revoke. Nobody gains a scope through a client that they do not have."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations import public_keys
from app.accounts.organizations.callers import KEY_PURPOSE
from app.accounts.organizations.service import ClientKind, NewClient, add_client
from app.accounts.organizations.tables import ApiClient
from app.platform.clock import now
from app.platform.errors import ErrorRule, Invalid, NotAllowed, NotFound
from app.platform.principal import Principal, Scope
from app.platform.validation import Validation
from app.platform.values import text_parser
from app.platform.vault.vault import Vault

OVERLAP_HOURS_MAX = 7 * 24


async def by_organization(session: AsyncSession, *, organization_id: UUID) -> Sequence[ApiClient]:
    """The organization's clients, oldest first, revoked ones too."""
    statement = select(ApiClient).where(ApiClient.organization_id == organization_id).order_by(col(ApiClient.id))
    return (await session.exec(statement)).all()


async def create(
    session: AsyncSession,
    vault: Vault,
    *,
    principal: Principal,
    kind: ClientKind,
    name: str,
    scopes: frozenset[Scope],
    keys: Sequence[str],
) -> NewClient:
    """Create a client; raise `AppErrorGroup` with all wrong fields, also for scopes that the creator does not have."""
    validation = Validation()
    parsed_name = validation.require("name", text_parser(1, 255), name)
    if not scopes <= principal.scopes:
        validation.add(NotAllowed("A client cannot have scopes that its creator does not have."), "scopes")
    if kind is ClientKind.PUBLISHABLE and scopes:
        validation.add(Invalid("A publishable client is for guests and customers and has no scopes."), "scopes")
    if kind is ClientKind.PUBLISHABLE and keys:
        validation.add(Invalid("A publishable client cannot keep a key that signs."), "publicKeys")
    joined = _joined(validation, keys)
    return add_client(
        session,
        vault,
        organization_id=principal.organization.id,
        kind=kind,
        name=parsed_name,
        scopes=scopes,
        public_key=joined,
    )


async def update(
    session: AsyncSession,
    *,
    principal: Principal,
    client_id: UUID,
    name: str | None = None,
    scopes: frozenset[Scope] | None = None,
    keys: Sequence[str] | None = None,
) -> ApiClient:
    """Change what is given; raise `NotFound`, and `AppErrorGroup` with all wrong fields."""
    client = await _lock_active(session, principal, client_id)
    validation = Validation()
    parsed_name = client.name if name is None else validation.require("name", text_parser(1, 255), name)
    if scopes is not None and not scopes <= principal.scopes:
        validation.add(NotAllowed("A client cannot have scopes that its creator does not have."), "scopes")
    if client.kind == ClientKind.PUBLISHABLE.value and (scopes or keys):
        validation.add(Invalid("A publishable client has neither scopes nor keys that sign."), "scopes")
    joined = client.public_key if keys is None else _joined(validation, keys)
    validation.raise_errors()
    client.name, client.public_key = parsed_name, joined
    if scopes is not None:
        client.scopes = " ".join(sorted(scope.value for scope in scopes))
    session.add(client)
    return client


def _joined(validation: Validation, keys: Sequence[str]) -> str | None:
    """The keys in one text; raise `AppErrorGroup` with what was wrong so far."""
    parsed = [validation.check("publicKeys", public_keys.parse, key) for key in keys]
    validation.raise_errors()
    joined = validation.check("publicKeys", public_keys.join_pem, parsed)
    validation.raise_errors()
    return joined


async def rotate(
    session: AsyncSession, vault: Vault, *, principal: Principal, client_id: UUID, overlap_hours: int
) -> tuple[ApiClient, str]:
    """Replace the key or secret. The current one is accepted for `overlap_hours` more, any earlier one no longer.

    Raise `NotFound`, `Invalid`, and `NotAllowed` for a client with scopes that the caller does not have: the caller
    would gain them with the new secret.
    """
    if not 0 <= overlap_hours <= OVERLAP_HOURS_MAX:
        raise Invalid(
            "From {min} to {max}.", field=("overlapHours",), rule=ErrorRule.RANGE, min=0, max=OVERLAP_HOURS_MAX
        )
    client = await _lock_active(session, principal, client_id)
    if not {Scope(scope) for scope in client.scopes.split()} <= principal.scopes:
        raise NotAllowed("This client has scopes that you do not have.", field=("id",))
    key = f"{'pk' if client.kind == ClientKind.PUBLISHABLE.value else 'sk'}_{secrets.token_urlsafe(32)}"
    client.previous_key_hash = client.key_hash if overlap_hours else None
    client.previous_key_until = now() + timedelta(hours=overlap_hours) if overlap_hours else None
    client.key_hash = vault.fingerprints.compute(KEY_PURPOSE, key)
    session.add(client)
    return client, key


async def revoke(session: AsyncSession, *, principal: Principal, client_id: UUID) -> ApiClient:
    """Revoke the client: its key, its secret and the tokens issued to it are refused from the next request on."""
    client = await _lock_active(session, principal, client_id)
    client.revoked_at = now()
    client.previous_key_hash = client.previous_key_until = None
    session.add(client)
    return client


async def _lock_active(session: AsyncSession, principal: Principal, client_id: UUID) -> ApiClient:
    client = await session.get(ApiClient, client_id, with_for_update=True, populate_existing=True)
    if client is None or client.organization_id != principal.organization.id or client.revoked_at is not None:
        raise NotFound(field=("id",))
    return client
