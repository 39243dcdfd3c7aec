"""The row lock that serializes all writers of one customer, and the order in which locks are taken.

Every transaction takes its locks in this order, so that no two wait for each other:

    1  group          FOR KEY SHARE by a change that refers to it, FOR UPDATE by the one that deletes it
    2  customer       `lock_customer`, FOR UPDATE: before any write of what the customer owns
    3  what it owns   addresses, payment methods, orders, login sessions, requests: FOR UPDATE where a row is changed

Rows of a work queue (`queues.py`) are locked alone, in a short transaction that only takes the lease. SQLite has one
writer at a time and ignores row locks.
"""

from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import bindparam, column, table
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.db.engine import Database
from app.platform.db.reading import Read
from app.platform.db.writing import Write, execute_at_commit

# FOR NO KEY UPDATE: no key changes, and rows that refer to the locked one may still be inserted.
NO_KEY: dict[str, Any] = {"key_share": True}
# Declared by name: this package may not import the table from `app.customers`.
_customers = table(
    "customers",
    column("id", sqlalchemy.Uuid),
    column("organization_id", sqlalchemy.Uuid),
    column("erased_at"),
)
_login_sessions = table(
    "login_sessions",
    column("owner_id", sqlalchemy.Uuid),
    column("id", sqlalchemy.Uuid),
    column("ended_at"),
)
# FOR SHARE: whoever ends the session waits until the transaction is over, or is seen by it.
_LIVING_SESSION: Write[Any] = Write(
    sqlalchemy.select(_login_sessions.c.id)
    .where(_login_sessions.c.owner_id == bindparam("owner_id"), _login_sessions.c.id == bindparam("session_id"))
    .where(_login_sessions.c.ended_at.is_(None))
    .with_for_update(read=True),
    require_row=True,
)
_SESSION = Read(
    sqlalchemy.select(_login_sessions.c.id)
    .where(_login_sessions.c.owner_id == bindparam("owner_id"), _login_sessions.c.id == bindparam("session_id"))
    .where(_login_sessions.c.ended_at.is_(None)),
    tuple,
)


def require_living_session(session: AsyncSession, *, owner_id: UUID, session_id: UUID) -> None:
    """Commit only if the login session has not ended; otherwise the transaction ends with `VersionConflict`.

    It was looked at when the request began: since then a reset, or its owner, may have ended it.
    """
    execute_at_commit(session, _LIVING_SESSION, owner_id=owner_id, session_id=session_id)


async def has_living_session(database: Database, *, owner_id: UUID, session_id: UUID) -> bool:
    """Whether the login session has not ended."""
    return await database.row(_SESSION, owner_id=owner_id, session_id=session_id) is not None


async def lock_customer(session: AsyncSession, *, organization_id: UUID, customer_id: UUID) -> bool:
    """Lock the customer's row until the transaction ends, so that all writers of what it owns run one after the other.

    Return False, and lock nothing, when the organization has no such customer or its data was erased.
    """
    statement = (
        select(_customers.c.id)
        .where(_customers.c.id == customer_id, _customers.c.organization_id == organization_id)
        .where(_customers.c.erased_at.is_(None))
        .with_for_update(**NO_KEY)
    )
    return (await session.exec(statement)).first() is not None
