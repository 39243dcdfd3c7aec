"""A fresh proof of who it is, for what a stolen session must not be enough for.

| The login is       | Password    | Outcome                                            |
| ------------------ | ----------- | -------------------------------------------------- |
| at most 5 min old  | left away   | proven: the password was just typed                |
| older              | left away   | `PasswordNeeded`                                   |
| any                | right       | proven                                             |
| any                | wrong       | `InvalidCredentials`, counted like a failed login  |

Refreshing does not make a login younger. As elsewhere, the password is compared before anything is locked, and looked
at again under the lock.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.passwords import OwnPassword, lock_proven, prove_own_password, wrong_password
from app.customers import repository
from app.customers.records import CustomerRecord
from app.customers.repository import LockedCustomer
from app.identity.guessing import attempts
from app.identity.guessing.policy import GuessingPolicy
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions import repository as sessions
from app.platform.db.locks import require_living_session
from app.platform.errors import AppError, NotFound, Required
from app.platform.graphql.context import Context
from app.platform.principal import RequestOrigin
from app.platform.vault.vault import Store, Vault


class PasswordNeeded(Required):
    """The login is too old to be a proof."""

    message = "Confirm this with your password, or log in again first."
    field = ("password",)


@dataclass(frozen=True, slots=True)
class FreshProof:
    """What was compared before anything is locked; no `own` password where the login is young enough."""

    session_id: UUID
    own: OwnPassword | None = None
    password: str = ""


async def begin(
    store: Store,
    hasher: PasswordHasher,
    guessing: GuessingPolicy,
    origin: RequestOrigin,
    *,
    customer: CustomerRecord,
    password: str | None,
) -> FreshProof:
    """Look at the login, or compare the password; raise `PasswordNeeded`, `RateLimited`."""
    row, session_id = customer.row, origin.principal.session_id
    assert session_id is not None  # noqa: S101 - a customer has one
    if password:
        own = await prove_own_password(store, hasher, guessing, origin, customer=customer, password=password)
        return FreshProof(session_id, own, password)
    if not await sessions.is_young(
        store, organization_id=row.organization_id, customer_id=row.id, session_id=session_id
    ):
        raise PasswordNeeded
    return FreshProof(session_id)


async def lock(
    session: AsyncSession, vault: Vault, hasher: PasswordHasher, origin: RequestOrigin, proof: FreshProof
) -> LockedCustomer | AppError:
    """Lock the customer who gave the proof, or say why not.

    The error is returned, not raised: a wrong password was counted, which must be committed.
    """
    principal = origin.principal
    if proof.own is None:
        # The session is the whole proof: it must not have ended meanwhile.
        require_living_session(session, owner_id=principal.own_customer_id, session_id=proof.session_id)
        customer = await repository.lock(
            session, vault, organization_id=principal.organization.id, customer_id=principal.own_customer_id
        )
        return customer or NotFound()
    count = attempts.succeed if proof.own.matches else attempts.fail
    blocked = await count(session, proof.own.attempt)
    if blocked is not None:
        return blocked
    proven = None
    if proof.own.matches:
        proven = await lock_proven(session, vault, hasher, origin, proof=proof.own, raw=proof.password)
    return proven or wrong_password().with_field("password")


async def prove(context: Context, session: AsyncSession, password: str | None) -> LockedCustomer | AppError:
    """Both steps for the customer who is logged in; raise `PasswordNeeded`, `RateLimited`, `NotFound`."""
    customer = await context.load(repository.by_ids, context.principal.own_customer_id)
    if customer is None:
        raise NotFound
    hasher, guessing = context.services.get(PasswordHasher), context.services.get(GuessingPolicy)
    proof = await begin(context.store, hasher, guessing, context.origin, customer=customer, password=password)
    return await lock(session, context.store.vault, hasher, context.origin, proof)
