"""Commands for the staff members of an organization."""

from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.exc import IntegrityError

from app.identity.sessions import service as sessions
from app.identity.staff import repository as staff
from app.identity.staff.repository import StaffDetails
from app.platform.settings import Settings
from app.platform.validation import Validation
from app.platform.values import EmailAddress, text_parser
from app.platform.vault.vault import Store
from app.server.cli.environment import AsJson, CommandRefused, print_object, print_rows, run, settings
from app.server.cli.organizations import Slug, find_organization
from app.server.runtime import open_runtime

NAME_MAX = 32
Member = Annotated[str, typer.Argument(help="The staff member's id or address.")]
staff_members = typer.Typer(no_args_is_help=True, help="Staff members of an organization.")


@staff_members.command("create")
def create_staff(
    slug: Slug,
    email: Annotated[str, typer.Option(help="Address of the staff member.")],
    first_name: Annotated[str | None, typer.Option(help="Given name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Family name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a staff member, for whom integrations may act, and print the id."""
    run(_create(settings(), slug, email, first_name, last_name, as_json=as_json))


async def _create(
    config: Settings, slug: str, email: str, first_name: str | None, last_name: str | None, *, as_json: bool
) -> None:
    validation = Validation()
    parsed = validation.require("email", EmailAddress.parse, email)
    first = validation.optional("firstName", text_parser(1, NAME_MAX), first_name)
    last = validation.optional("lastName", text_parser(1, NAME_MAX), last_name)
    validation.raise_errors()
    async with open_runtime(config) as runtime:
        try:
            async with runtime.store.database.transaction() as session:
                organization = await find_organization(session, slug)
                staff_id = await staff.add(
                    session,
                    runtime.store.vault,
                    organization_id=organization.id,
                    email=parsed,
                    first_name=first,
                    last_name=last,
                )
        except IntegrityError:
            raise CommandRefused(f"email: Another staff member of {slug} has this address.") from None
    print_object({"staff": staff_id}, as_json=as_json)


@staff_members.command("list")
def list_staff(slug: Slug, as_json: AsJson = False) -> None:
    """List an organization's staff members, oldest first, without those who left."""
    run(_list(settings(), slug, as_json=as_json))


async def _list(config: Settings, slug: str, *, as_json: bool) -> None:
    async with open_runtime(config) as runtime:
        async with runtime.store.database.transaction() as session:
            organization = await find_organization(session, slug)
        found = await staff.list_active(runtime.store, organization_id=organization.id)
    print_rows([_row(staff_id, one) for staff_id, one in found], as_json=as_json)


@staff_members.command("update")
def update_staff(
    slug: Slug,
    member: Member,
    email: Annotated[str | None, typer.Option(help="Another address.")] = None,
    first_name: Annotated[str | None, typer.Option(help="Another given name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Another family name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a staff member's address or name; the id and the sessions on its behalf stay."""
    run(_update(settings(), slug, member, email, first_name, last_name, as_json=as_json))


async def _update(
    config: Settings,
    slug: str,
    member: str,
    email: str | None,
    first_name: str | None,
    last_name: str | None,
    *,
    as_json: bool,
) -> None:
    validation = Validation()
    changes: dict[str, Any] = {
        "email": validation.optional("email", EmailAddress.parse, email),
        "first_name": validation.optional("firstName", text_parser(1, NAME_MAX), first_name),
        "last_name": validation.optional("lastName", text_parser(1, NAME_MAX), last_name),
    }
    validation.raise_errors()
    async with open_runtime(config) as runtime:
        try:
            async with runtime.store.database.transaction() as session:
                organization = await find_organization(session, slug)
                staff_id = await _staff_id(runtime.store, organization.id, member)
                changed = staff_id and await staff.change(
                    session, runtime.store.vault, organization_id=organization.id, staff_id=staff_id, **changes
                )
        except IntegrityError:
            raise CommandRefused(f"email: Another staff member of {slug} has this address.") from None
    if not staff_id or not changed:
        raise _no_such_member(slug)
    print_object(_row(staff_id, changed), as_json=as_json)


def _row(staff_id: UUID, one: StaffDetails) -> dict[str, object]:
    return {"id": staff_id, "email": one.email, "first name": one.first_name, "last name": one.last_name}


def _no_such_member(slug: str) -> CommandRefused:
    return CommandRefused(f"{slug} has no such staff member. `patron staff list {slug}` shows those there are.")


@staff_members.command("remove")
def remove_staff(
    slug: Slug,
    member: Member,
    as_json: AsJson = False,
) -> None:
    """Remove a staff member: all sessions on its behalf end immediately."""
    run(_remove(settings(), slug, member, as_json=as_json))


async def _remove(config: Settings, slug: str, member: str, *, as_json: bool) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        organization = await find_organization(session, slug)
        staff_id = await _staff_id(runtime.store, organization.id, member)
        if staff_id is None or not await staff.remove(session, organization_id=organization.id, staff_id=staff_id):
            raise _no_such_member(slug)
        ended = await sessions.end_all_for_staff_member(session, organization_id=organization.id, staff_id=staff_id)
    print_object({"staff": staff_id, "ended sessions": ended}, as_json=as_json)


async def _staff_id(store: Store, organization_id: UUID, member: str) -> UUID | None:
    if "@" in member:
        return await staff.id_by_email(store, organization_id=organization_id, email=EmailAddress.parse(member))
    with suppress(ValueError):
        return UUID(member)
    return None
