"""Commands for client developers: the schema, and trusted documents."""

from pathlib import Path
from typing import Annotated

import typer

from app.platform.documents import files
from app.platform.documents.registry import register_documents
from app.platform.settings import Settings
from app.server.cli.environment import end, run, settings
from app.server.runtime import open_runtime
from app.server.schema import sdl
from app.server.storefront_schema import storefront_sdl
from app.server.web import document_cache

schema = typer.Typer(no_args_is_help=True, help="The GraphQL schema.")
documents = typer.Typer(no_args_is_help=True, help="Trusted documents: operations that clients name by their SHA-256.")


@schema.command("export")
def export_schema(
    path: Annotated[Path | None, typer.Argument(help="File to write; standard output without.")] = None,
    storefront: Annotated[
        bool, typer.Option("--storefront", help="Only what guests and customers may use, for storefronts.")
    ] = False,
) -> None:
    """Print the schema in GraphQL's schema definition language."""
    exported = storefront_sdl() if storefront else sdl()
    if path is None:
        typer.echo(exported, nl=False)
    else:
        path.write_text(exported)


@documents.command("add")
def add_documents(
    folder: Annotated[Path, typer.Argument(help="Folder with *.graphql files, or a persisted-documents.json.")],
) -> None:
    """Register the operations below a folder, each validated against the schema; registered ones stay."""
    config = settings()
    try:
        read = files.read_documents(folder, document_cache(config))
    except files.BadDocument as error:
        end([str(error)])
    run(_add_documents(config, read))


async def _add_documents(config: Settings, read: dict[str, str]) -> None:
    async with open_runtime(config) as runtime:
        new = await register_documents(runtime.store.database, read)
    for sha256 in read:
        typer.echo(f"sha256:{sha256}")
    typer.echo(f"{len(read)} documents, {new} of them new", err=True)
