"""Creates, updates and deletes markets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.groups import repository as groups
from app.customers.groups import values
from app.customers.groups.editing import CodeTaken
from app.customers.markets.repository import MarketRow, row_of
from app.customers.markets.tables import Market
from app.platform import money
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.db.retrying import may_succeed_again
from app.platform.errors import AppError, ErrorCode, NotFound
from app.platform.validation import Validation

MAX_MARKETS = 1000
API_NAMES = {"currency_code": "currencyCode", "group_id": "groupId"}
PARSERS = {"code": values.code, "name": values.name, "currency_code": money.parse_currency}


class TooManyMarkets(AppError):
    """The organization already has the maximum number of markets."""

    code = ErrorCode.LIMIT_REACHED
    message = "An organization has at most {max} markets."
    values = MappingProxyType({"max": MAX_MARKETS})


async def create(session: AsyncSession, *, organization_id: UUID, input_values: Mapping[str, Any]) -> MarketRow:
    """Create a market; raise `AppErrorGroup`, `NotFound`, `CodeTaken`, `TooManyMarkets`."""
    fields = _parse(input_values)
    market_count = select(func.count()).where(col(Market.organization_id) == organization_id)
    if (await session.exec(market_count)).one() >= MAX_MARKETS:
        raise TooManyMarkets
    await _check_group(session, organization_id, fields)
    moment = now()
    row = {"id": new_id(), **fields, "created_at": moment, "updated_at": moment}
    if not await insert_if_absent(session, Market, organization_id=organization_id, **row):
        raise CodeTaken
    return MarketRow(**row)


async def update(
    session: AsyncSession, *, organization_id: UUID, market_id: UUID, input_values: Mapping[str, Any]
) -> tuple[MarketRow, list[str]]:
    """Set the given fields of a market; return it with the API names of what changed.

    Lock order: the group first, then the market. Raise `NotFound`, `AppErrorGroup`, `CodeTaken`.
    """
    fields = _parse(input_values)
    await _check_group(session, organization_id, fields)
    market = await _lock(session, organization_id=organization_id, market_id=market_id)
    changed = [field for field, value in fields.items() if getattr(market, field) != value]
    for field in changed:
        setattr(market, field, fields[field])
    if changed:
        market.updated_at = now()
        session.add(market)
    try:
        await session.flush()
    except IntegrityError as fault:
        if may_succeed_again(fault):
            raise
        raise CodeTaken from None
    return row_of(market), [API_NAMES.get(field, field) for field in changed]


async def delete(session: AsyncSession, *, organization_id: UUID, market_id: UUID) -> None:
    """Delete a market; no other rows refer to it. Raise `NotFound`."""
    await session.delete(await _lock(session, organization_id=organization_id, market_id=market_id))
    await session.flush()


def _parse(input_values: Mapping[str, Any]) -> dict[str, Any]:
    validation = Validation()
    parsed = {
        field: validation.require(API_NAMES.get(field, field), PARSERS[field], value) if field in PARSERS else value
        for field, value in input_values.items()
    }
    validation.raise_errors()
    return parsed


async def _check_group(session: AsyncSession, organization_id: UUID, fields: Mapping[str, Any]) -> None:
    group_id: UUID | None = fields.get("group_id")
    if group_id and not await groups.exists(session, organization_id=organization_id, group_id=group_id):
        raise NotFound("There is no group with this id.", field=("groupId",))


async def _lock(session: AsyncSession, *, organization_id: UUID, market_id: UUID) -> Market:
    market = await session.get(Market, market_id, with_for_update=True)
    if market is None or market.organization_id != organization_id:
        raise NotFound("There is no market with this id.", field=("id",))
    return market
