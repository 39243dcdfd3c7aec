"""Relay connections with keyset pagination: a deep page costs as much as the first one."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from app.platform.graphql.access import top_level_error
from app.platform.graphql.context import Context

Item = TypeVar("Item")

MAX_PAGE_SIZE = 100
# Counting further costs the database up to a second for a million rows, for a number that is old when it arrives.
COUNT_LIMIT = 10_001
TAG_BYTES = 8


@strawberry.type(description="Where a page stands (Relay cursor connections).")
class PageInfo:
    """Cursors and flags of a page."""

    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether this page was asked for with `after`: pages are read forwards only."
    )
    start_cursor: str | None = strawberry.field(description="The position of the first item; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Send it as `after` to get the next page.")


@strawberry.type(description="One item of a page with its position.")
class Edge(Generic[Item]):
    """An item and its cursor."""

    cursor: str = strawberry.field(description="Send it as `after` to continue behind this item.")
    node: Item = strawberry.field(description="The item.")


@strawberry.type(description="A page of items.")
class Connection(Generic[Item]):
    """A page, and the total count."""

    nodes: list[Item] = strawberry.field(description="The items of this page.")
    edges: list[Edge[Item]] = strawberry.field(description="The items of this page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(
        description="How many items there are on all pages: exact up to 10000; 10001 means that there are more. "
        "Counted only when asked for."
    )
    async def total_count(self) -> int:
        """Costs one more query, which need not count beyond `COUNT_LIMIT`."""
        return min(await self.count(), COUNT_LIMIT)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page: `size` items after the position `after` (an item's sort key), or from the start."""

    size: int
    after: tuple[Any, ...] | None


def page_request(context: Context, connection_kind: str, first: int, after: str | None) -> PageRequest:
    """Parse the arguments of a connection; raise a top-level `BAD_USER_INPUT` when they are wrong.

    `connection_kind` is the list that its cursors belong to. Positions hold JSON values only: a repository converts ids
    and times to text and back.
    """
    if not 1 <= first <= MAX_PAGE_SIZE:
        raise top_level_error("BAD_USER_INPUT", f"Ask for 1 to {MAX_PAGE_SIZE} items with `first`.")
    return PageRequest(first, _decode_cursor(context, connection_kind, after) if after else None)


def connection(
    context: Context,
    connection_kind: str,
    page: PageRequest,
    found: Sequence[tuple[tuple[Any, ...], Item]],
    count: Callable[[], Awaitable[int]],
) -> Connection[Item]:
    """The connection of `found`: positions and items, with one more than requested if there is a next page."""
    items = found[: page.size]
    edges = [Edge(cursor=_encode_cursor(context, connection_kind, position), node=item) for position, item in items]
    return Connection(
        nodes=[item for _, item in items],
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(found) > page.size,
            has_previous_page=page.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )


def _tag(context: Context, connection_kind: str, position: bytes) -> bytes:
    # The tag makes a cursor valid only in its own organization and for its own kind of connection.
    value = f"{connection_kind}:{position.decode()}"
    fingerprints = context.store.vault.fingerprints
    return fingerprints.compute("cursor", value, organization_id=context.organization.id)[:TAG_BYTES]


def _encode_cursor(context: Context, connection_kind: str, position: tuple[Any, ...]) -> str:
    encoded = orjson.dumps(position)
    return base64.urlsafe_b64encode(_tag(context, connection_kind, encoded) + encoded).decode().rstrip("=")


def _decode_cursor(context: Context, connection_kind: str, cursor: str) -> tuple[Any, ...]:
    try:
        decoded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        tag, encoded = decoded[:TAG_BYTES], decoded[TAG_BYTES:]
        if tag == _tag(context, connection_kind, encoded):
            return tuple(orjson.loads(encoded))
    except (binascii.Error, ValueError):
        pass
    raise top_level_error("BAD_USER_INPUT", "This cursor does not belong to this connection. Start without `after`.")
