"""Epochs: counters in both databases that tell whether they are of the same moment.

The worker advances both every minute, the key store first, and stops as soon as they differ by more than one: a
restored database keeps its epoch. `pair_id` is drawn once and is in both.

| Main | Key store        | State            | What follows                                              |
| ---- | ---------------- | ---------------- | --------------------------------------------------------- |
| none | none             | (both are new)   | both get their first epoch                                |
| n    | n or n + 1       | `SAME`           | everything; n + 1 is a worker between the two, or a crash |
| n    | more than n + 1  | `MAIN_OLDER`     | served once the ledger was applied; no key is destroyed   |
| n    | less than n      | `KEYSTORE_OLDER` | not served; no key is destroyed                           |
| any  | none, other pair | `WRONG_PAIR`     | not served; no key is destroyed; cannot be confirmed      |

`patron restore confirm` makes both the same again.
"""

from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.engine import Database
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read, columns
from app.platform.vault.tables import KeystoreEpoch, MainEpoch, PersonKey

ONLY_ROW = 1


class PairState(Enum):
    """How the two databases stand to each other; the table is in the module's docstring."""

    SAME = "SAME"
    MAIN_OLDER = "MAIN_OLDER"
    KEYSTORE_OLDER = "KEYSTORE_OLDER"
    WRONG_PAIR = "WRONG_PAIR"


class NotOfOneMoment(Exception):
    """The databases are not of one moment: nothing irreversible may be done until an operator has confirmed it."""


class Epoch(NamedTuple):
    """The epoch of one database."""

    pair_id: UUID
    epoch: int
    advanced_at: datetime


class Pair(NamedTuple):
    """The epochs of both databases; None where a database has none."""

    main: Epoch | None
    keystore: Epoch | None

    @property
    def state(self) -> PairState:
        """How the two stand to each other."""
        if self.main is None or self.keystore is None or self.main.pair_id != self.keystore.pair_id:
            return PairState.WRONG_PAIR
        ahead = self.keystore.epoch - self.main.epoch
        if ahead < 0:
            return PairState.KEYSTORE_OLDER
        return PairState.SAME if ahead <= 1 else PairState.MAIN_OLDER


_MAIN_TABLE: Any = MainEpoch
_KEYSTORE_TABLE: Any = KeystoreEpoch
_MAIN: Read[Any] = Read(sqlalchemy.select(*columns(_MAIN_TABLE, Epoch)), Epoch._make)
_KEYSTORE: Read[Any] = Read(sqlalchemy.select(*columns(_KEYSTORE_TABLE, Epoch)), Epoch._make)

_ANY_KEY: Read[Any] = Read(sqlalchemy.select(col(PersonKey.person_id)).limit(1), tuple)


async def read(main: Database, keystore: Database) -> Pair:
    """The epochs of both databases."""
    # The main database first: a worker that advances both in between must not make it look newer.
    main_epoch: Epoch | None = await main.row(_MAIN)
    return Pair(main_epoch, await keystore.row(_KEYSTORE))


async def read_or_begin(main: Database, keystore: Database, *, main_is_new: bool) -> Pair:
    """The same, after giving a first epoch to two new databases, or to a new main database beside a new key store."""
    pair = await read(main, keystore)
    # A key store with keys of people has belonged to another main database.
    if pair.main is not None or not main_is_new or await keystore.row(_ANY_KEY) is not None:
        return pair
    moment = now()
    async with keystore.transaction() as session:
        await insert_if_absent(session, KeystoreEpoch, id=ONLY_ROW, pair_id=new_id(), epoch=1, advanced_at=moment)
    first: Epoch | None = await keystore.row(_KEYSTORE)
    assert first is not None  # noqa: S101 - inserted, here or by another process
    async with main.transaction() as session:
        await insert_if_absent(session, MainEpoch, id=ONLY_ROW, **first._asdict())
    return await read(main, keystore)


async def require_same(main: Database, keystore: Database) -> None:
    """Raise `NotOfOneMoment` unless something irreversible may be done now."""
    state = (await read(main, keystore)).state
    if state is not PairState.SAME:
        raise NotOfOneMoment(state.value)


async def keystore_epoch(session: AsyncSession) -> int:
    """The present epoch of the key store, seen from a transaction of it: what changes is marked with it."""
    return (await session.exec(select(KeystoreEpoch.epoch))).first() or 0


async def advance(main: Database, keystore: Database) -> Pair:
    """Advance both epochs, the key store first, if they are of the same moment; return what they were before.

    What a worker left half done when it died is finished first: twice left half done would look like a restore.
    """
    pair = await read(main, keystore)
    if pair.state is PairState.SAME:
        assert pair.main is not None and pair.keystore is not None  # noqa: S101, PT018 - both are there
        is_half_done = pair.keystore.epoch > pair.main.epoch
        await _set(main, keystore, pair.keystore.epoch + (0 if is_half_done else 1))
    return pair


async def align(main: Database, keystore: Database) -> None:
    """Declare that both databases are of the same moment from now on: for an operator who has looked."""
    pair = await read(main, keystore)
    if pair.main is None or pair.keystore is None or pair.main.pair_id != pair.keystore.pair_id:
        raise NotOfOneMoment(pair.state.value)
    await _set(main, keystore, max(pair.main.epoch, pair.keystore.epoch) + 1)


async def _set(main: Database, keystore: Database, epoch: int) -> None:
    # Never back: another worker may have advanced them in the meantime.
    moment = now()
    async with keystore.transaction() as session:
        await session.exec(
            update(KeystoreEpoch).where(col(KeystoreEpoch.epoch) < epoch).values(epoch=epoch, advanced_at=moment)
        )
    async with main.transaction() as session:
        await session.exec(
            update(MainEpoch).where(col(MainEpoch.epoch) < epoch).values(epoch=epoch, advanced_at=moment)
        )
