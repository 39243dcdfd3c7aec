"""Commands for the API clients of an organization."""

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from app.accounts.organizations.clients import lifecycle
from app.accounts.organizations.service import ClientKind
from app.accounts.organizations.tables import ApiClient, Organization
from app.platform.principal import CallerKind, OrganizationSettings, Principal, Scope
from app.platform.principal import Organization as PrincipalOrganization
from app.platform.settings import Settings
from app.server.cli.environment import AsJson, print_object, print_rows, run, settings
from app.server.cli.organizations import Slug, find_organization
from app.server.runtime import open_runtime

clients = typer.Typer(no_args_is_help=True, help="API clients of an organization.")
Scopes = Annotated[list[Scope], typer.Option("--scope", help="What it may do; repeat for several.")]
NewScopes = Annotated[list[Scope] | None, typer.Option("--scope", help="What it may do from now on; repeat.")]
PublicKey = Annotated[
    list[Path] | None,
    typer.Option(
        "--public-key",
        exists=True,
        dir_okay=False,
        readable=True,
        help="PEM file with a key that verifies its assertions; repeat for several.",
    ),
]
ClientId = Annotated[UUID, typer.Argument(help="The client's id.")]


@clients.command("create")
def create_client(
    slug: Slug,
    name: Annotated[str, typer.Option(help="What the client is called.")],
    scope: Scopes,
    public_key: PublicKey = None,
    as_json: AsJson = False,
) -> None:
    """Create an integration and print its id and secret, once."""
    run(_create(settings(), slug, name, frozenset(scope), _texts(public_key), as_json=as_json))


async def _create(
    config: Settings, slug: str, name: str, scopes: frozenset[Scope], keys: list[str], *, as_json: bool
) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        principal = _operator(await find_organization(session, slug))
        client = await lifecycle.create(
            session,
            runtime.store.vault,
            principal=principal,
            kind=ClientKind.CONFIDENTIAL,
            name=name,
            scopes=scopes,
            keys=keys,
        )
    print_object({"client id": client.id, "client secret": client.key}, as_json=as_json)


@clients.command("list")
def list_clients(slug: Slug, as_json: AsJson = False) -> None:
    """List an organization's clients, oldest first, revoked ones too."""
    run(_list(settings(), slug, as_json=as_json))


async def _list(config: Settings, slug: str, *, as_json: bool) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        organization = await find_organization(session, slug)
        rows = await lifecycle.by_organization(session, organization_id=organization.id)
        described = [_described(row) for row in rows]
    print_rows(described, as_json=as_json)


@clients.command("update")
def update_client(
    slug: Slug,
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="What the client is called.")] = None,
    scope: NewScopes = None,
    public_key: PublicKey = None,
    as_json: AsJson = False,
) -> None:
    """Change a client's name, scopes or public keys; tokens it has already keep their scopes until they expire."""
    scopes, keys = frozenset(scope) if scope else None, _texts(public_key) or None
    run(_update(settings(), slug, client_id, name, scopes, keys, as_json=as_json))


async def _update(
    config: Settings,
    slug: str,
    client_id: UUID,
    name: str | None,
    scopes: frozenset[Scope] | None,
    keys: list[str] | None,
    *,
    as_json: bool,
) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        principal = _operator(await find_organization(session, slug))
        row = await lifecycle.update(
            session, principal=principal, client_id=client_id, name=name, scopes=scopes, keys=keys
        )
        described = _described(row)
    print_object(described, as_json=as_json)


@clients.command("remove")
def remove_client(slug: Slug, client_id: ClientId, as_json: AsJson = False) -> None:
    """Revoke a client: its key, its secret and the sessions got with them end immediately."""
    run(_remove(settings(), slug, client_id, as_json=as_json))


async def _remove(config: Settings, slug: str, client_id: UUID, *, as_json: bool) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        principal = _operator(await find_organization(session, slug))
        described = _described(await lifecycle.revoke(session, principal=principal, client_id=client_id))
    print_object(described, as_json=as_json)


def _operator(organization: Organization) -> Principal:
    """Whoever has the command line: may give a client any scope."""
    found = PrincipalOrganization(
        organization.id,
        organization.slug,
        organization.name,
        OrganizationSettings.from_stored(organization.settings),
    )
    return Principal(CallerKind.INTEGRATION, found, scopes=frozenset(Scope))


def _described(row: ApiClient) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "scopes": row.scopes,
        "created": row.created_at,
        "last used": row.last_used_at,
        "revoked": row.revoked_at,
    }


def _texts(paths: list[Path] | None) -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace") for path in paths or []]
