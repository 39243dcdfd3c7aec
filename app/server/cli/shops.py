"""Commands that create organizations, their API clients and staff members."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import col, select

from app.accounts.organizations.administration import creation
from app.accounts.organizations.public_keys import parse as parse_public_key
from app.accounts.organizations.service import ClientKind, add_client
from app.accounts.organizations.tables import Organization
from app.identity.staff import repository as staff
from app.platform.principal import Scope
from app.platform.settings import Settings
from app.platform.values import EmailAddress
from app.server.cli.environment import CommandRefused, run, settings
from app.server.runtime import open_runtime

organizations = typer.Typer(no_args_is_help=True, help="Organizations.")
clients = typer.Typer(no_args_is_help=True, help="API clients of an organization.")
staff_members = typer.Typer(no_args_is_help=True, help="Staff members of an organization.")
Slug = Annotated[str, typer.Argument(help="The organization's short name.")]


@organizations.command("create")
def create_organization(
    slug: Slug,
    name: Annotated[str, typer.Option(help="The shop's name.")],
    default: Annotated[bool, typer.Option(help="Requests without a key belong to it.")] = False,
    verified_email: Annotated[bool, typer.Option(help="Addresses have to be proven before a login.")] = True,
    api_key_required: Annotated[bool, typer.Option(help="Refuse requests without a publishable key.")] = False,
) -> None:
    """Create an organization and print the publishable key of its first storefront, once."""
    chosen: dict[str, object] = {"require_verified_email": verified_email, "require_api_key": api_key_required}
    run(_create_organization(settings(), slug, name, chosen, default=default))


async def _create_organization(
    config: Settings, slug: str, name: str, chosen: dict[str, object], *, default: bool
) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        try:
            organization = await creation.add(session, slug=slug, name=name, settings=chosen, is_default=default)
        except creation.DefaultTaken:
            message = (
                "There is a default organization already. Create this one without --default, then make it the default "
                f"with `patron organizations update {slug} --default`."
            )
            raise CommandRefused(message) from None
        client = add_client(
            session,
            runtime.store.vault,
            organization_id=organization.id,
            kind=ClientKind.PUBLISHABLE,
            name="Storefront",
        )
    typer.echo(f"organization {organization.id}\npublishable key {client.key}\npublishable client id {client.id}")


@organizations.command("update")
def update_organization(
    slug: Slug,
    default: Annotated[
        bool, typer.Option("--default", help="Requests without a key belong to it from now on.")
    ] = False,
) -> None:
    """Change an organization."""
    run(_update_organization(settings(), slug, default=default))


async def _update_organization(config: Settings, slug: str, *, default: bool) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        organization = await _organization(session, slug)
        if default:
            await creation.make_default(session, organization_id=organization.id)
    typer.echo(f"organization {organization.id}")


@clients.command("create")
def create_client(
    slug: Slug,
    name: Annotated[str, typer.Option(help="What the client is called.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat for several.")],
    public_key: Annotated[Path | None, typer.Option(help="PEM file with the key that verifies its assertions.")] = None,
) -> None:
    """Create an integration and print its id and secret, once."""
    pem = public_key.read_text() if public_key else None
    run(_create_client(settings(), slug, name, frozenset(scope), pem))


async def _create_client(
    config: Settings, slug: str, name: str, scopes: frozenset[Scope], public_key: str | None
) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        organization = await _organization(session, slug)
        client = add_client(
            session,
            runtime.store.vault,
            organization_id=organization.id,
            kind=ClientKind.CONFIDENTIAL,
            name=name,
            scopes=scopes,
            public_key=parse_public_key(public_key) if public_key else None,
        )
    typer.echo(f"client id {client.id}\nclient secret {client.key}")


@staff_members.command("create")
def create_staff(
    slug: Slug,
    email: Annotated[str, typer.Option(help="Address of the staff member.")],
    first_name: Annotated[str | None, typer.Option(help="Given name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Family name.")] = None,
) -> None:
    """Create a staff member, for whom integrations may act, and print the id."""
    run(_create_staff(settings(), slug, EmailAddress.parse(email), first_name, last_name))


async def _create_staff(
    config: Settings, slug: str, email: EmailAddress, first_name: str | None, last_name: str | None
) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        organization = await _organization(session, slug)
        staff_id = await staff.add(
            session,
            runtime.store.vault,
            organization_id=organization.id,
            email=email,
            first_name=first_name,
            last_name=last_name,
        )
    typer.echo(f"staff {staff_id}")


async def _organization(session: Any, slug: str) -> Organization:
    organization: Organization | None = (
        await session.exec(select(Organization).where(col(Organization.slug) == slug))
    ).first()
    if organization is None:
        message = f"There is no organization {slug}."
        raise CommandRefused(message)
    return organization
