"""Global ids (Relay object identification): the type and the row's id, opaque to clients.

The id of what always has the same owner names the owner too: it is read by the owner's key, and never looked for.
"""

import base64
import re
from typing import NamedTuple
from uuid import UUID

import strawberry

from app.platform.errors import NotFound

HEX_LENGTH = 32
ROW_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


@strawberry.interface(description="Anything with an id that is unique in the whole service.")
class Node:
    """The Relay interface of objects that can be fetched again."""

    id: strawberry.ID = strawberry.field(description="Opaque and unique in the whole service; never changes.")


def encode(kind: str, row_id: UUID) -> strawberry.ID:
    """The global id of a row."""
    return _encoded(kind, row_id.hex)


def decode(kind: str, given: str, *field: str) -> UUID:
    """The row id in a global id of this kind, or the row id itself; raise `NotFound` for anything else.

    Tokens name rows without their kind (`sub`, `sid`, `owner.id`), and what a token says is often looked for. A
    malformed id, an id of another kind and an id without a row are indistinguishable to the caller.
    """
    return UUID(hex=given) if ROW_ID.fullmatch(given) else decode_global(kind, given, *field)


def decode_global(kind: str, global_id: str, *field: str) -> UUID:
    """Like `decode`, but only a global id: where the id alone says what is meant."""
    try:
        return UUID(hex=_decoded(kind, global_id))
    except ValueError:
        raise NotFound(field=field or ("id",)) from None


class OwnedId(NamedTuple):
    """Whose row it is, and the row's id."""

    owner_id: UUID
    row_id: UUID


def encode_owned(kind: str, *, owner_id: UUID, row_id: UUID) -> strawberry.ID:
    """The id that clients see of a row that never changes hands."""
    return _encoded(kind, owner_id.hex + row_id.hex)


def decode_owned(kind: str, global_id: str, *field: str) -> OwnedId:
    """The owner and the row in a `global_id` of this kind; raise `NotFound` for anything else."""
    try:
        value = _decoded(kind, global_id)
        return OwnedId(UUID(hex=value[:HEX_LENGTH]), UUID(hex=value[HEX_LENGTH:]))
    except ValueError:
        raise NotFound(field=field or ("id",)) from None


def _encoded(kind: str, value: str) -> strawberry.ID:
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{value}".encode()).decode().rstrip("="))


def _decoded(kind: str, global_id: str) -> str:
    """What follows the kind; raise `ValueError`, as do base64 and ASCII for what is neither."""
    padded = global_id + "=" * (-len(global_id) % 4)
    found, _, value = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
    if found != kind:
        raise ValueError
    return value
