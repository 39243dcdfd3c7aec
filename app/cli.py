"""The command line: serve, worker, migrate, organizations, clients, keys, schema."""

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlmodel import col, select

from app import demo, logs
from app import main as server
from app.db.migrating import Line
from app.db.migrating import migrate as migrate_database
from app.documents import files
from app.documents.registry import register
from app.house import NotMigrated, databases, open_house
from app.limits.policies import BadPolicy
from app.organizations.public_keys import parse as parse_public_key
from app.organizations.service import ClientKind, add_client, add_organization
from app.organizations.tables import Organization
from app.passwords.calibration import calibrate as measure
from app.principal import Scope
from app.schema import sdl
from app.sessions.signing import SigningKeys
from app.settings import Settings
from app.staff import repository as staff
from app.values import EmailAddress
from app.vault import master
from app.vault.rotation import rewrap
from app.web import prepared_documents
from app.worker import work

app = typer.Typer(no_args_is_help=True, help="Patron, the customer-account service.", pretty_exceptions_enable=False)
organizations = typer.Typer(no_args_is_help=True, help="Organizations.")
clients = typer.Typer(no_args_is_help=True, help="API clients of an organization.")
staff_members = typer.Typer(no_args_is_help=True, help="Staff members of an organization.")
keys = typer.Typer(no_args_is_help=True, help="Master key and signing keys.")
schema = typer.Typer(no_args_is_help=True, help="The GraphQL schema.")
documents = typer.Typer(no_args_is_help=True, help="Trusted documents: operations that clients name by their SHA-256.")
for name, group in {
    "organizations": organizations,
    "clients": clients,
    "staff": staff_members,
    "keys": keys,
    "schema": schema,
    "documents": documents,
}.items():
    app.add_typer(group, name=name)

console = Console(soft_wrap=True)
Slug = Annotated[str, typer.Argument(help="The organization's short name.")]


def settings(**overrides: object) -> Settings:
    """The settings of the environment; ends the program with what is missing or wrong, never with a value."""
    try:
        found = Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            names = ", ".join(f"PATRON_{str(part).upper()}" for part in problem["loc"])
            reason = problem["msg"].removeprefix("Value error, ")
            typer.echo(f"{names}: {reason}" if names else reason, err=True)
        raise typer.Exit(2) from None
    logs.configure(found.log_level)
    return found


def run(work_to_do: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; ends the program with a sentence where the operator can do something."""
    try:
        uvloop.run(work_to_do)
    except (NotMigrated, BadPolicy, master.MasterKeyError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
) -> None:
    """Serve the API; in development also migrate, make the demo and run the worker."""
    run(server.serve(settings(port=port, host=host)))


@app.command()
def worker() -> None:
    """Run the worker: due anonymizations, gateways to be told. Several may run at once."""
    run(_worker(settings()))


async def _worker(found: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_house(found) as house:
        typer.echo("ready worker")
        await work(house, stop)


@app.command()
def migrate() -> None:
    """Bring both databases to the newest version of their tables."""
    run(_migrate(settings()))


async def _migrate(found: Settings) -> None:
    for database, line in zip(databases(found), (Line.MAIN, Line.KEYSTORE), strict=True):
        await migrate_database(database, line)
        await database.close()
        typer.echo(f"{line.value}: up to date")


@app.command()
def token(
    on_behalf_of: Annotated[str, typer.Option(help="Email address of the demo's staff member.")],
) -> None:
    """Print an access token of the demo integration on behalf of a staff member."""
    try:
        typer.echo(demo.staff_token(settings().var_dir, on_behalf_of))
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command()
def calibrate(
    milliseconds: Annotated[int, typer.Option(help="How long one password may take.")] = 50,
) -> None:
    """Measure argon2id on this machine, to choose PATRON_ARGON2_MEMORY and PATRON_ARGON2_ITERATIONS."""
    table = Table("memory (KiB)", "iterations", "milliseconds", "within target", "a second, one core")
    for row in measure(milliseconds):
        table.add_row(
            str(row.memory_kib),
            str(row.iterations),
            f"{row.milliseconds:.0f}",
            "yes" if row.within_target else "no",
            f"{row.hashes_per_second:.0f}",
        )
    console.print(table)


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
    found: Settings, slug: str, name: str, chosen: dict[str, object], *, default: bool
) -> None:
    async with open_house(found) as house, house.store.database.transaction() as session:
        organization = add_organization(session, slug=slug, name=name, settings=chosen, is_default=default)
        await session.flush()
        client = add_client(
            session,
            house.store.vault,
            organization_id=organization.id,
            kind=ClientKind.PUBLISHABLE,
            name="Storefront",
        )
    typer.echo(f"organization {organization.id}\npublishable key {client.key}\npublishable client id {client.id}")


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
    found: Settings, slug: str, name: str, scopes: frozenset[Scope], public_key: str | None
) -> None:
    async with open_house(found) as house, house.store.database.transaction() as session:
        organization = await _organization(session, slug)
        client = add_client(
            session,
            house.store.vault,
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
    found: Settings, slug: str, email: EmailAddress, first_name: str | None, last_name: str | None
) -> None:
    async with open_house(found) as house, house.store.database.transaction() as session:
        organization = await _organization(session, slug)
        staff_id = await staff.add(
            session,
            house.store.vault,
            organization_id=organization.id,
            email=email,
            first_name=first_name,
            last_name=last_name,
        )
    typer.echo(f"staff {staff_id}")


async def _organization(session: Any, slug: str) -> Organization:
    found: Organization | None = (
        await session.exec(select(Organization).where(col(Organization.slug) == slug))
    ).first()
    if found is None:
        typer.echo(f"There is no organization {slug}.", err=True)
        raise typer.Exit(1)
    return found


@keys.command("generate")
def generate_key() -> None:
    """Print a new master key, for PATRON_MASTER_KEY or the file PATRON_MASTER_KEY_FILE."""
    typer.echo(f"1:{master.generate()}")


@keys.command("rotate")
def rotate_master_key() -> None:
    """Wrap every key with the newest version of the master key.

    A key file gets its new version here. A key in PATRON_MASTER_KEY gets it from you first: give every
    process `1:old,2:new`, then run this, then take the old version away.
    """
    run(_rotate(settings()))


async def _rotate(found: Settings) -> None:
    if found.master_key_file is not None and not found.master_key.get_secret_value():
        master.add_version(found.master_key_file)
    async with open_house(found) as house:
        vault = house.store.vault
        with console.status("wrapping keys …") as status:
            count = await rewrap(
                vault.keystore, vault.master, progress=lambda done: status.update(f"wrapped {done} keys …")
            )
    typer.echo(f"wrapped {count} keys with version {vault.master.version}")


@keys.command("rotate-signing")
def rotate_signing_key() -> None:
    """Sign access tokens with a new key; tokens that are out stay valid until they expire."""
    run(_rotate_signing(settings()))


async def _rotate_signing(found: Settings) -> None:
    async with open_house(found) as house:
        typer.echo(f"signing with {await house.services.get(SigningKeys).rotate()} in ten seconds")


@schema.command("export")
def export_schema(
    path: Annotated[Path | None, typer.Argument(help="File to write; standard output without.")] = None,
) -> None:
    """Print the schema in GraphQL's schema definition language."""
    if path is None:
        typer.echo(sdl(), nl=False)
    else:
        path.write_text(sdl())


@documents.command("add")
def add_documents(
    folder: Annotated[Path, typer.Argument(help="Folder with *.graphql files, or a persisted-documents.json.")],
) -> None:
    """Register the operations below a folder, each checked against the schema; what is there already stays."""
    found = settings()
    try:
        read = files.read(folder, prepared_documents(found))
    except files.BadDocument as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    run(_add_documents(found, read))


async def _add_documents(found: Settings, read: dict[str, str]) -> None:
    async with open_house(found) as house:
        new = await register(house.store.database, read)
    for sha256 in read:
        typer.echo(f"sha256:{sha256}")
    typer.echo(f"{len(read)} documents, {new} of them new", err=True)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
