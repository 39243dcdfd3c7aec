"""Reads markets."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.customers.markets.tables import Market
from app.platform.db.reading import Read, columns
from app.platform.vault.vault import Store


class MarketRow(NamedTuple):
    """The columns that every read of a market selects."""

    id: UUID
    code: str
    name: str
    currency_code: str
    group_id: UUID | None
    created_at: datetime
    updated_at: datetime

    def visible_to(self, group_id: UUID | None) -> bool:
        """Whether the market is visible to a customer in this group, or in none."""
        return self.group_id is None or self.group_id == group_id


_ALL = Read(
    select(*columns(Market, MarketRow))
    .where(col(Market.organization_id) == bindparam("organization_id"))
    .order_by(col(Market.code)),
    MarketRow._make,
)


def row_of(market: Market) -> MarketRow:
    """The columns of a row that was just written."""
    return MarketRow._make(getattr(market, name) for name in MarketRow._fields)


async def by_organization(store: Store, *, organization_id: UUID) -> list[MarketRow]:
    """All markets of an organization, ordered by code; the caller checks which are visible."""
    return await store.database.rows(_ALL, organization_id=organization_id)
