"""Changes a password that is known."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.login import InvalidCredentials
from app.accounts.registration import check_password
from app.customers import repository
from app.customers.records import CustomerRecord
from app.errors import NotFound
from app.passwords.hashing import PasswordHasher
from app.sessions import service as sessions
from app.sessions.service import EndReason
from app.validation import Validation
from app.vault.vault import Store, Vault


async def check_change(
    store: Store,
    hasher: PasswordHasher,
    *,
    customer: CustomerRecord,
    current: str,
    new: str,
    confirmation: str,
    shortest: int,
) -> str:
    """The hash of the new password; raise `InvalidCredentials` (of `currentPassword`) or `Rejected`."""
    row = customer.row
    found = await repository.credentials_of(store, organization_id=row.organization_id, customer_id=row.id)
    if not (await hasher.verify(current, found[1] if found else None)).matches:
        raise InvalidCredentials("This is not the current password.", field=("currentPassword",))
    validation = Validation()
    personal = [customer.personal.email, customer.personal.first_name, customer.personal.last_name]
    check_password(
        validation,
        new,
        confirmation,
        shortest=shortest,
        personal=[one for one in personal if one],
        field="newPassword",
    )
    validation.finish()
    return await hasher.hash(new)


async def change(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    customer_id: UUID,
    password_hash: str,
    keep: UUID | None,
) -> int:
    """Store the new hash and end every other session but `keep`; return how many ended."""
    customer = await repository.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
    if customer is None:
        raise NotFound
    await repository.set_password(session, vault, customer.row, password_hash)
    return await sessions.end_all(
        session, organization_id=organization_id, customer_id=customer_id, reason=EndReason.PASSWORD_CHANGED, keep=keep
    )
