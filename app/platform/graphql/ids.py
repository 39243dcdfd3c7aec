"""Global ids (Relay object identification): the type and the row's id, opaque to clients."""

import base64
import binascii
from uuid import UUID

import strawberry

from app.platform.errors import NotFound


@strawberry.interface(description="Anything with an id that is unique in the whole service.")
class Node:
    """The Relay interface of objects that can be fetched again."""

    id: strawberry.ID = strawberry.field(description="Opaque and unique in the whole service; never changes.")


def encode(kind: str, row_id: UUID) -> strawberry.ID:
    """The id that clients see of a row."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{row_id.hex}".encode()).decode().rstrip("="))


def decode(kind: str, global_id: str, *field: str) -> UUID:
    """The row's id in a `global_id` of this kind; raise `NotFound` for anything else.

    A malformed id, an id of another kind and an id of nothing look the same.
    """
    try:
        padded = global_id + "=" * (-len(global_id) % 4)
        found, _, row_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
        if found == kind:
            return UUID(hex=row_id)
    except (binascii.Error, ValueError, UnicodeError):
        pass
    raise NotFound(field=field or ("id",))
