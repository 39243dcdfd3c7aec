"""Lists customers with keyset pagination: every page is one range of an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal, select, tuple_
from sqlalchemy.types import TypeEngine
from sqlmodel import col

from app.customers.records import COLUMNS, CustomerRecord, CustomerRow, open_row
from app.customers.tables import Customer
from app.platform.db.reading import Read
from app.platform.vault.vault import Store

Position = tuple[Any, ...]


class CustomerSortField(Enum):
    """The column a list is sorted by; the id breaks ties."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    ORDERS = "placed_orders"


class SortDirection(Enum):
    """The direction of the order."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort order, which an index supports."""

    field: CustomerSortField = CustomerSortField.CREATED_AT
    direction: SortDirection = SortDirection.DESC

    @property
    def name(self) -> str:
        """The name of the order; a cursor is valid for its own order only."""
        return f"customers:{self.field.value}:{self.direction.value}"

    def position(self, row: CustomerRow) -> Position:
        """The position of a row, as JSON values."""
        value = getattr(row, self.field.value)
        return (value.isoformat() if isinstance(value, datetime) else value, row.id.hex)


async def page(
    store: Store,
    *,
    organization_id: UUID,
    condition: ColumnElement[bool],
    sort: Sort,
    size: int,
    after: Position | None,
) -> list[tuple[Position, CustomerRecord]]:
    """`size` customers after the position `after`, and one more if there is one."""
    statement = page_statement(condition=condition, sort=sort, size=size, after=after)
    rows = await store.database.lagging_rows(Read(statement, CustomerRow._make), organization_id=organization_id)
    ciphers = await store.vault.ciphers([row.id for row in rows if row.sealed])
    return [(sort.position(row), open_row(row, ciphers.get(row.id))) for row in rows]


async def count(store: Store, *, organization_id: UUID, condition: ColumnElement[bool], limit: int) -> int:
    """The number of customers that meet the condition, counted no further than to `limit`."""
    visible = select(col(Customer.id)).where(*_visible(condition)).limit(limit).subquery()
    statement = select(func.count()).select_from(visible)
    (found,) = await store.database.lagging_rows(Read(statement, _first_column), organization_id=organization_id)
    return found


def page_statement(*, condition: ColumnElement[bool], sort: Sort, size: int, after: Position | None) -> Select[Any]:
    """The query of a page, with the parameter `organization_id`."""
    column, row_id = col(getattr(Customer, sort.field.value)), col(Customer.id)
    conditions = _visible(condition)
    if after is not None:
        conditions.append(_after_position(column, row_id, sort, after))
    # One range of the index (organization, value, id), scanned forwards or backwards.
    order = [column.desc(), row_id.desc()] if sort.direction is SortDirection.DESC else [column, row_id]
    return select(*COLUMNS).where(*conditions).order_by(*order).limit(size + 1)


def _visible(condition: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    organization = col(Customer.organization_id) == bindparam("organization_id")
    return [and_(organization, col(Customer.deleted_at).is_(None)), condition]


def _after_position(column: Any, row_id: Any, sort: Sort, after: Position) -> ColumnElement[bool]:
    value, hexadecimal = after
    kind: TypeEngine[Any] = column.type
    boundary = tuple_(
        literal(value if sort.field is CustomerSortField.ORDERS else datetime.fromisoformat(value), kind),
        literal(UUID(hex=hexadecimal), row_id.type),
    )
    current = tuple_(column, row_id)
    return current < boundary if sort.direction is SortDirection.DESC else current > boundary


def _first_column(values: Sequence[Any]) -> int:
    return int(values[0])
