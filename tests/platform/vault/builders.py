"""Builders: shops whose master key is in a file, as versions can only be added and destroyed there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from tests.shop import SeededOrganization, Shop, Urls, open_shop


def file_settings(urls: Urls) -> dict[str, Any]:
    """Settings with a key file in the folder of the test; it is made on the first start."""
    return {"master_key": SecretStr(""), "master_key_file": urls.folder / "master.key"}


@asynccontextmanager
async def open_file_shop(
    urls: Urls, organization: SeededOrganization | None = None, **overrides: Any
) -> AsyncIterator[Shop]:
    """A shop with a key file."""
    async with open_shop(urls, organization, **file_settings(urls), **overrides) as shop:
        yield shop


async def fetch(shop: Shop, query: str) -> list[tuple[Any, ...]]:
    """Rows of the key store."""
    async with shop.runtime.store.vault.keystore.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def change(shop: Shop, statement: str, **parameters: Any) -> None:
    """Execute a statement in the key store directly."""
    async with shop.runtime.store.vault.keystore.engine.begin() as connection:
        await connection.execute(text(statement), parameters)


async def versions_of_rows(shop: Shop) -> set[int]:
    """The key versions that some row needs."""
    found = await fetch(shop, "SELECT master_version FROM person_keys UNION SELECT master_version FROM system_keys")
    return {version for (version,) in found}


async def wrapped_keys(shop: Shop) -> dict[Any, bytes]:
    """The wrapped data keys by person."""
    return {id_: bytes(wrapped) for id_, wrapped in await fetch(shop, "SELECT person_id, wrapped FROM person_keys")}


async def first_name(shop: Shop, token: str) -> str:
    """The caller's first name: its data can be opened."""
    name: str = (await shop.ask("Me", token=token)).data["me"]["firstName"]
    return name
