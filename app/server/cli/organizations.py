"""Commands for organizations."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.organizations.administration import creation
from app.accounts.organizations.administration.settings import SETTINGS, Setting, apply_changes
from app.accounts.organizations.service import ClientKind, add_client
from app.accounts.organizations.tables import Organization
from app.platform.principal import OrganizationSettings
from app.platform.settings import Settings
from app.platform.validation import Validation
from app.platform.values import text_parser
from app.server.cli.environment import AsJson, CommandRefused, print_object, print_rows, run, settings
from app.server.runtime import open_runtime

organizations = typer.Typer(no_args_is_help=True, help="Organizations.")
Slug = Annotated[str, typer.Argument(help="The organization's short name.")]
StorefrontUrl = Annotated[str | None, typer.Option(help="Web address of the shop, which links in mails begin with.")]
Chosen = Annotated[
    list[str] | None, typer.Option("--set", help="A setting as in storefrontUrl=https://…; without value: its default.")
]
BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@organizations.command("create")
def create_organization(
    slug: Slug,
    name: Annotated[str, typer.Option(help="The shop's name.")],
    default: Annotated[bool, typer.Option(help="Requests without a key belong to it.")] = False,
    verified_email: Annotated[bool, typer.Option(help="Addresses have to be proven before a login.")] = True,
    api_key_required: Annotated[bool, typer.Option(help="Refuse requests without a publishable key.")] = False,
    storefront_url: StorefrontUrl = None,
    chosen: Chosen = None,
    as_json: AsJson = False,
) -> None:
    """Create an organization and print the publishable key of its first storefront, once."""
    changes: dict[str, object] = {"require_verified_email": verified_email, "require_api_key": api_key_required}
    config = settings()
    run(_create(config, slug, name, changes, chosen or [], storefront_url, default=default, as_json=as_json))


async def _create(
    config: Settings,
    slug: str,
    name: str,
    changes: dict[str, object],
    chosen: Sequence[str],
    storefront_url: str | None,
    *,
    default: bool,
    as_json: bool,
) -> None:
    changes |= _changes(chosen, storefront_url)
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        try:
            organization = await creation.add(session, slug=slug, name=name, settings=changes, is_default=default)
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
    created = {"organization": organization.id, "publishable key": client.key, "publishable client id": client.id}
    print_object(created, as_json=as_json)
    if not changes.get("storefront_url"):
        typer.echo(
            "Links in mails lead to plain pages of this service until the shop's own address is set: "
            f"`patron organizations update {slug} --storefront-url https://…`.",
            err=True,
        )


@organizations.command("list")
def list_organizations(as_json: AsJson = False) -> None:
    """List the organizations, oldest first."""
    run(_list(settings(), as_json=as_json))


async def _list(config: Settings, *, as_json: bool) -> None:
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        rows = (await session.exec(select(Organization).order_by(col(Organization.id)))).all()
    print_rows([_described(row) for row in rows], as_json=as_json)


@organizations.command("update")
def update_organization(
    slug: Slug,
    name: Annotated[str | None, typer.Option(help="The shop's name.")] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Requests without a key belong to it from now on.")
    ] = False,
    storefront_url: StorefrontUrl = None,
    chosen: Chosen = None,
    as_json: AsJson = False,
) -> None:
    """Change an organization's name or settings, or make it the default."""
    run(_update(settings(), slug, name, chosen or [], storefront_url, default=default, as_json=as_json))


async def _update(
    config: Settings,
    slug: str,
    name: str | None,
    chosen: Sequence[str],
    storefront_url: str | None,
    *,
    default: bool,
    as_json: bool,
) -> None:
    changes = _changes(chosen, storefront_url)
    async with open_runtime(config) as runtime, runtime.store.database.transaction() as session:
        row = await find_organization(session, slug)
        validation = Validation()
        parsed = row.name if name is None else validation.require("name", text_parser(1, 255), name)
        validation.raise_errors()
        row.settings, row.name = apply_changes(row.settings, changes), parsed
        session.add(row)
        await session.flush()
        if default:
            await creation.make_default(session, organization_id=row.id)
        await session.refresh(row)
        described = _described(row)
    print_object(described, as_json=as_json)


async def find_organization(session: AsyncSession, slug: str) -> Organization:
    """The organization with this short name; raise `CommandRefused`."""
    organization = (await session.exec(select(Organization).where(col(Organization.slug) == slug))).first()
    if organization is None:
        raise CommandRefused(f"There is no organization {slug}. `patron organizations list` shows those there are.")
    return organization


def _described(row: Organization) -> dict[str, Any]:
    stored = OrganizationSettings.from_stored(row.settings)
    return {
        "slug": row.slug,
        "name": row.name,
        "default": row.is_default,
        "id": row.id,
        "storefrontUrl": stored.storefront_url,
        "settings": {one.api_name: row.settings[one.name] for one in SETTINGS if one.name in row.settings},
    }


def _changes(chosen: Sequence[str], storefront_url: str | None) -> dict[str, object]:
    """What the options change, by the names of the settings; raise `CommandRefused`."""
    changes: dict[str, object] = {} if storefront_url is None else {"storefront_url": storefront_url}
    by_name = {setting.api_name: setting for setting in SETTINGS}
    for one in chosen:
        name, equals, value = one.partition("=")
        setting = by_name.get(name)
        if setting is None or not equals:
            raise CommandRefused(f"--set {name}: write NAME=VALUE; the names are {', '.join(sorted(by_name))}.")
        changes[setting.name] = _value(setting, value) if value else None
    return changes


def _value(setting: Setting, text: str) -> object:
    """The value that stands in the text; raise `CommandRefused`."""
    if setting.is_list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if setting.choices and text not in setting.choices:
        raise CommandRefused(f"--set {setting.api_name}: use one of {', '.join(setting.choices)}.")
    if setting.kind is bool:
        if text not in BOOLEANS:
            raise CommandRefused(f"--set {setting.api_name}: use true or false.")
        return BOOLEANS[text]
    if setting.kind is int:
        if not text.isdecimal():
            raise CommandRefused(f"--set {setting.api_name}: use a whole number.")
        return int(text)
    return text
