"""Outbox of requests to the payment gateways: written before the call, kept until both sides agree.

| Kind            | Written when                            | Asks the gateway to                 | Due            |
| --------------- | --------------------------------------- | ----------------------------------- | -------------- |
| ATTACH          | a mutation is about to attach           | find what an unfinished attach left | after a minute |
| DETACH          | a payment method is deleted, or nobody  | detach the instrument               | immediately    |
|                 | saved what an attach left               |                                     |                |
| DELETE_CUSTOMER | a customer is erased                    | delete the customer                 | immediately    |

| State   | On                                                  | Next state                                    |
| ------- | --------------------------------------------------- | --------------------------------------------- |
| PENDING | ATTACH: the mutation saved the row, or was declined | DONE                                          |
| PENDING | ATTACH: the reconciler finds nothing at the gateway | DONE                                          |
| PENDING | ATTACH: the reconciler finds an instrument          | DONE, and a DETACH unless its row exists      |
| PENDING | DETACH, DELETE_CUSTOMER: the gateway confirmed      | DONE                                          |
| PENDING | any failure, before the 24th try                    | PENDING, due after a growing delay            |
| PENDING | any failure of the 24th try                         | FAILED: logged as an error, needs an operator |
| DONE    | 30 days passed                                      | deleted by `sweep`                            |
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from sqlalchemy import Update, bindparam, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payment_methods.tables import GatewayAttempt
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.sweeping import Sweep
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Store, Vault

TABLE = "gateway_attempts"
# Longer than any gateway call may take: an attach that is older has no mutation waiting for it.
ATTACH_TIMEOUT = timedelta(minutes=1)
RETENTION = timedelta(days=30)


class AttemptKind(Enum):
    """What the gateway is asked to do; the table is in the module's docstring."""

    ATTACH = "ATTACH"
    DETACH = "DETACH"
    DELETE_CUSTOMER = "DELETE_CUSTOMER"


class AttemptState(Enum):
    """Whether both sides agree; a FAILED attempt needs an operator."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"


_DONE = Sweep(
    GatewayAttempt,
    col(GatewayAttempt.state) == AttemptState.DONE.value,
    col(GatewayAttempt.updated_at) < bindparam("before"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPayload:
    """The sealed part of an attempt: identifiers that are meaningful at the gateway only."""

    token: str | None = None
    session_id: str | None = None
    gateway_customer: str | None = None


class CustomerOwned(Protocol):
    """A row that belongs to a customer."""

    @property
    def organization_id(self) -> UUID:
        """The organization of the customer."""

    @property
    def customer_id(self) -> UUID:
        """The id of the customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt to write; `token_hash` only for DETACH, `due_at` None means now."""

    kind: AttemptKind
    gateway: str
    payload: AttemptPayload
    token_hash: bytes | None = None
    due_at: datetime | None = None


def service_box(vault: Vault) -> DataKeyCipher:
    """The cipher of attempts: they must stay readable after the customer's key was destroyed.

    Its key is derived from the key store's key and never leaves the key store.
    """
    return DataKeyCipher(vault.fingerprints.compute("service-box", TABLE))


def add(session: AsyncSession, vault: Vault, owned_row: CustomerOwned, new_attempt: NewAttempt) -> UUID:
    """Write an attempt for the owner of `owned_row`; return the attempt's id."""
    attempt_id, moment = new_id(), now()
    session.add(
        GatewayAttempt(
            id=attempt_id,
            organization_id=owned_row.organization_id,
            customer_id=owned_row.customer_id,
            kind=new_attempt.kind.value,
            state=AttemptState.PENDING.value,
            gateway=new_attempt.gateway,
            token_hash=new_attempt.token_hash,
            sealed=service_box(vault).seal(TABLE, attempt_id, new_attempt.payload),
            next_attempt_at=new_attempt.due_at or moment,
            created_at=moment,
            updated_at=moment,
        )
    )
    return attempt_id


async def mark_done(store: Store, *, customer_id: UUID, attempt_id: UUID) -> None:
    """Mark an attempt of any kind as DONE, in a transaction of its own: the gateway holds nothing more for it."""
    async with store.database.transaction() as session:
        await session.exec(_done(customer_id, attempt_id))


async def finish_attach(session: AsyncSession, *, customer_id: UUID, attempt_id: UUID) -> bool:
    """Mark an ATTACH attempt as DONE in the transaction that writes its row.

    False when the reconciler was faster and is undoing the attach: then the caller must not write the row.
    """
    pending = (GatewayAttempt.kind == AttemptKind.ATTACH.value, GatewayAttempt.state == AttemptState.PENDING.value)
    statement = _done(customer_id, attempt_id).where(*pending)  # type: ignore[arg-type]
    return bool((await session.exec(statement)).rowcount)


async def is_being_detached(session: AsyncSession, *, customer_id: UUID, token_hash: bytes) -> bool:
    """Whether a DETACH of this instrument is not DONE yet: then it must not be saved again."""
    statement = select(GatewayAttempt.id).where(
        GatewayAttempt.customer_id == customer_id,
        GatewayAttempt.token_hash == token_hash,
        GatewayAttempt.state != AttemptState.DONE.value,
    )
    return (await session.exec(statement)).first() is not None


def _done(customer_id: UUID, attempt_id: UUID) -> Update:
    # A finished attempt keeps nothing that identifies a person.
    done = update(GatewayAttempt).values(state=AttemptState.DONE.value, sealed=None, token_hash=None, updated_at=now())
    return done.where(col(GatewayAttempt.customer_id) == customer_id, col(GatewayAttempt.id) == attempt_id)


async def sweep(store: Store) -> int:
    """Delete the attempts that have been DONE for 30 days; return how many."""
    return await _DONE.run(store.database, before=now() - RETENTION)
