"""Names of API clients, for those who read what the clients did."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import String, Uuid, bindparam, column, select, table

from app.platform.db.reading import Read, any_of
from app.platform.vault.vault import Store

# Declared by name: this package may not import the table from `app.accounts`.
_clients = table("api_clients", column("id", Uuid), column("organization_id", Uuid), column("name", String))


class _Client(NamedTuple):
    id: UUID
    name: str


_NAMES = Read(
    select(_clients.c.id, _clients.c.name).where(
        _clients.c.organization_id == bindparam("organization_id"), any_of(_clients.c.id, "ids")
    ),
    _Client._make,
)


async def client_names(store: Store, organization_id: UUID, ids: Sequence[UUID]) -> list[str | None]:
    """The names of the clients with these ids, in that order; None for an id that is not found."""
    rows = await store.database.rows(_NAMES, organization_id=organization_id, ids=ids)
    found = {row.id: row.name for row in rows}
    return [found.get(one) for one in ids]
