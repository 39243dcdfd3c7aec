"""The outbox to the gateways: what is asked of them is written down first, and stays until both sides agree."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from sqlalchemy import Update, delete, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payment_methods.tables import GatewayAttempt
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Store, Vault

TABLE = "gateway_attempts"
# Longer than any gateway call may take: an attach that is older has no mutation waiting for it.
ATTACH_TIMEOUT = timedelta(minutes=1)
RETENTION = timedelta(days=30)


class AttemptKind(Enum):
    """What the gateway is asked to do."""

    ATTACH = "ATTACH"
    DETACH = "DETACH"
    FORGET = "FORGET"


class AttemptState(Enum):
    """Whether both sides agree yet; what was given up needs a person."""

    PENDING = "PENDING"
    DONE = "DONE"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPayload:
    """What is sealed in an attempt: names that mean something to the gateway only."""

    token: str | None = None
    session_id: str | None = None
    gateway_customer: str | None = None


class CustomerOwned(Protocol):
    """Anything that says whose it is."""

    @property
    def organization_id(self) -> UUID:
        """The organization of the customer."""

    @property
    def customer_id(self) -> UUID:
        """The customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """What the gateway is to do; `token_hash` only where an instrument is about to go, `due` now unless said."""

    kind: AttemptKind
    gateway: str
    payload: AttemptPayload
    token_hash: bytes | None = None
    due_at: datetime | None = None


def service_box(vault: Vault) -> DataKeyCipher:
    """Seals what must stay openable after a customer's key was destroyed; its key never leaves the key store."""
    return DataKeyCipher(vault.fingerprints.compute("house-box", TABLE))


def add(session: AsyncSession, vault: Vault, owned_row: CustomerOwned, new_attempt: NewAttempt) -> UUID:
    """Write down what the gateway is to do for the owner of `owned_row`; return the attempt's id."""
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


async def mark_done(store: Store, attempt_id: UUID) -> None:
    """Close an attempt of any kind: the gateway has nothing (more) of it. In a transaction of its own."""
    async with store.database.transaction() as session:
        await session.exec(_done().where(col(GatewayAttempt.id) == attempt_id))


async def finish_attach(session: AsyncSession, attempt_id: UUID) -> bool:
    """Close an attach together with the row it was made for.

    False when the reconciler was faster and is taking back what the gateway did: then no row may be written.
    """
    pending = (GatewayAttempt.kind == AttemptKind.ATTACH.value, GatewayAttempt.state == AttemptState.PENDING.value)
    statement = _done().where(col(GatewayAttempt.id) == attempt_id, *pending)  # type: ignore[arg-type]
    return bool((await session.exec(statement)).rowcount)


async def is_being_detached(session: AsyncSession, *, customer_id: UUID, token_hash: bytes) -> bool:
    """Whether the instrument is about to be detached: then it must not be saved again."""
    statement = select(GatewayAttempt.id).where(
        GatewayAttempt.customer_id == customer_id,
        GatewayAttempt.token_hash == token_hash,
        GatewayAttempt.state != AttemptState.DONE.value,
    )
    return (await session.exec(statement)).first() is not None


def _done() -> Update:
    # Nothing that could identify anybody stays.
    return update(GatewayAttempt).values(state=AttemptState.DONE.value, sealed=None, token_hash=None, updated_at=now())


async def sweep(store: Store) -> int:
    """Delete what was done long ago; return how many attempts."""
    expired = delete(GatewayAttempt).where(
        col(GatewayAttempt.state) == AttemptState.DONE.value, col(GatewayAttempt.updated_at) < now() - RETENTION
    )
    async with store.database.transaction() as session:
        return (await session.exec(expired)).rowcount
