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
from app.platform.vault.sealing import Box
from app.platform.vault.vault import Store, Vault

TABLE = "gateway_attempts"
# Longer than any gateway call may take: an attach that is older has no mutation waiting for it.
PATIENCE = timedelta(minutes=1)
KEPT = timedelta(days=30)


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
class Work:
    """What is sealed in an attempt: names that mean something to the gateway only."""

    token: str | None = None
    session_id: str | None = None
    gateway_customer: str | None = None


class OfCustomer(Protocol):
    """Anything that says whose it is."""

    @property
    def organization_id(self) -> UUID:
        """The organization of the customer."""

    @property
    def customer_id(self) -> UUID:
        """The customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the gateway is to do; `token_hash` only where an instrument is about to go, `due` now unless said."""

    kind: AttemptKind
    gateway: str
    work: Work
    token_hash: bytes | None = None
    due: datetime | None = None


def house_box(vault: Vault) -> Box:
    """Seals what must stay openable after a customer's key was destroyed; its key never leaves the key store."""
    return Box(vault.fingerprints.of("house-box", TABLE))


def add(session: AsyncSession, vault: Vault, subject: OfCustomer, order: Order) -> UUID:
    """Write down what the gateway is to do for the owner of `subject`; return the attempt's id."""
    attempt_id, moment = new_id(), now()
    session.add(
        GatewayAttempt(
            id=attempt_id,
            organization_id=subject.organization_id,
            customer_id=subject.customer_id,
            kind=order.kind.value,
            state=AttemptState.PENDING.value,
            gateway=order.gateway,
            token_hash=order.token_hash,
            sealed=house_box(vault).seal(TABLE, attempt_id, order.work),
            next_attempt_at=order.due or moment,
            created_at=moment,
            updated_at=moment,
        )
    )
    return attempt_id


async def settle(store: Store, attempt_id: UUID) -> None:
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


async def is_leaving(session: AsyncSession, *, customer_id: UUID, token_hash: bytes) -> bool:
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
    old = delete(GatewayAttempt).where(
        col(GatewayAttempt.state) == AttemptState.DONE.value, col(GatewayAttempt.updated_at) < now() - KEPT
    )
    async with store.database.transaction() as session:
        return (await session.exec(old)).rowcount
