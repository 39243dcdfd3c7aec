"""Global ids (Relay object identification): type and row id, opaque to clients."""

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
    """The global id of a row."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{row_id.hex}".encode()).decode().rstrip("="))


def decode(kind: str, global_id: str, *field: str) -> UUID:
    """The row id in a `global_id` of this kind; raise `NotFound` for anything else.

    A malformed id, an id of another kind and an id without a row are indistinguishable to the caller.
    """
    try:
        padded = global_id + "=" * (-len(global_id) % 4)
        found_kind, _, row_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
        if found_kind == kind:
            return UUID(hex=row_id)
    except (binascii.Error, ValueError, UnicodeError):
        pass
    raise NotFound(field=field or ("id",))
