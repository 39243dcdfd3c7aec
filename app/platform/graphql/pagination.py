"""Pages of what can grow: Relay connections by position in an index, so that deep pages cost what the first does."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from app.platform.graphql.access import refusal
from app.platform.graphql.context import Context

Item = TypeVar("Item")

LARGEST_PAGE = 100
TAG_BYTES = 8


@strawberry.type(description="Where a page stands (Relay cursor connections).")
class PageInfo:
    """The ends of a page."""

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
    """A page, and the whole it is taken from."""

    nodes: list[Item] = strawberry.field(description="The items of this page.")
    edges: list[Edge[Item]] = strawberry.field(description="The items of this page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many items there are on all pages; counted only when asked for.")
    async def total_count(self) -> int:
        """One more query."""
        return await self.count()


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: `size` items behind the position `after` (the sort key of an item), or from the start."""

    size: int
    after: tuple[Any, ...] | None


def page(context: Context, what: str, first: int, after: str | None) -> Page:
    """Read the arguments of a connection of `what`; a top-level `BAD_USER_INPUT` when they are wrong.

    Positions hold what JSON can say: a repository turns ids and moments into text and back.
    """
    if not 1 <= first <= LARGEST_PAGE:
        raise refusal("BAD_USER_INPUT", f"Ask for 1 to {LARGEST_PAGE} items with `first`.")
    return Page(first, _position(context, what, after) if after else None)


def connection(
    context: Context,
    what: str,
    asked: Page,
    found: Sequence[tuple[tuple[Any, ...], Item]],
    count: Callable[[], Awaitable[int]],
) -> Connection[Item]:
    """The page of `found`: positions and items, one more than asked for where there is a next page."""
    shown = found[: asked.size]
    edges = [Edge(cursor=_cursor(context, what, position), node=item) for position, item in shown]
    return Connection(
        nodes=[item for _, item in shown],
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(found) > asked.size,
            has_previous_page=asked.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )


def _tag(context: Context, what: str, position: bytes) -> bytes:
    # A cursor opens nothing in another organization, and nothing of another kind.
    value = f"{what}:{position.decode()}"
    fingerprints = context.store.vault.fingerprints
    return fingerprints.of("cursor", value, organization_id=context.organization.id)[:TAG_BYTES]


def _cursor(context: Context, what: str, position: tuple[Any, ...]) -> str:
    encoded = orjson.dumps(position)
    return base64.urlsafe_b64encode(_tag(context, what, encoded) + encoded).decode().rstrip("=")


def _position(context: Context, what: str, cursor: str) -> tuple[Any, ...]:
    try:
        decoded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        tag, encoded = decoded[:TAG_BYTES], decoded[TAG_BYTES:]
        if tag == _tag(context, what, encoded):
            return tuple(orjson.loads(encoded))
    except (binascii.Error, ValueError):
        pass
    raise refusal("BAD_USER_INPUT", "This cursor does not belong to this connection. Start without `after`.")
