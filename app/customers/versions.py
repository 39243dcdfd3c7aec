"""Inserts, locks and updates customers with single statements, under an optimistic lock (`version`)."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, insert, inspect, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import identifiers, repository
from app.customers.groups import repository as groups
from app.customers.records import (
    COLUMNS,
    PASSWORD_COLUMN,
    TABLE,
    Approval,
    CustomerDetails,
    CustomerRecord,
    CustomerRow,
    open_row,
)
from app.customers.tables import Customer
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.writing import Write, execute, execute_at_commit
from app.platform.errors import AppError, ErrorCode
from app.platform.vault.vault import KeyDestroyed, Vault


class ReferenceTaken(AppError):
    """Another customer of the organization has the shopper reference."""

    code = ErrorCode.TAKEN
    message = "Another customer has this shopper reference."
    field = ("shopperReference",)


class _GroupId(NamedTuple):
    group_id: UUID | None


_VALUES: Mapping[str, Any] = {
    **{column.name: bindparam(column.name, type_=column.type) for column in inspect(Customer).columns},
    "group_id": groups.DEFAULT_GROUP_ID,
}
_INSERT = Write(
    # INSERT … SELECT, as Citus allows no subquery in VALUES.
    insert(Customer).from_select(list(_VALUES), select(*_VALUES.values())).returning(col(Customer.group_id)),
    _GroupId._make,
    defaults={"placed_orders": 0, "version": 1, "email_verified_at": None, "erased_at": None, "deleted_at": None},
)
_LOCK = Write(
    select(*COLUMNS)
    .where(
        col(Customer.id) == bindparam("customer_id"),
        col(Customer.organization_id) == bindparam("organization_id"),
        col(Customer.erased_at).is_(None),
    )
    .with_for_update(of=Customer, key_share=True),
    CustomerRow._make,
)
_LOCK_WITH_PASSWORD = Write(
    select(*COLUMNS, col(Customer.sealed_password))
    .where(
        col(Customer.id) == bindparam("customer_id"),
        col(Customer.organization_id) == bindparam("organization_id"),
        col(Customer.erased_at).is_(None),
    )
    .with_for_update(of=Customer, key_share=True),
    lambda values: (CustomerRow._make(values[:-1]), values[-1]),
)
_UPDATE: Write[Any] = Write(
    update(Customer)
    .where(
        col(Customer.id) == bindparam("customer_id"),
        col(Customer.version) == bindparam("expected_version"),
        col(Customer.erased_at).is_(None),
    )
    .values(
        sealed=bindparam("sealed"),
        reference_hash=bindparam("reference_hash"),
        shopper_reference=bindparam("shopper_reference"),
        newsletter=bindparam("newsletter"),
        terms_version=bindparam("terms_version"),
        email_verified_at=bindparam("email_verified_at"),
        updated_at=bindparam("updated_at"),
        version=col(Customer.version) + 1,
    ),
    require_row=True,
)
_UPDATE_GROUP: Write[Any] = Write(
    update(Customer).where(col(Customer.id) == bindparam("customer_id")).values(group_id=bindparam("group_id"))
)
_UPDATE_PASSWORD: Write[Any] = Write(
    update(Customer)
    .where(col(Customer.id) == bindparam("customer_id"))
    .values(sealed_password=bindparam("sealed_password"))
)


async def insert_customer(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    personal: CustomerDetails,
    password_hash: str | None,
    newsletter: bool = False,
    approval: Approval | None = None,
    shopper_reference: str | None = None,
) -> CustomerRow:
    """Create the customer's key, then its row, in the default group; the caller assigns identifiers.

    Raise `ReferenceTaken` when another customer has the given `shopper_reference`.
    """
    customer_id = new_id()
    cipher = await vault.create_key(customer_id, organization_id=organization_id)
    moment = now()
    sealed, reference = (
        cipher.seal(TABLE, customer_id, personal),
        shopper_reference or repository.new_shopper_reference(),
    )
    # Not deferred to the commit: a refused registration must run the same statements as a successful one.
    if not await identifiers.assign_shopper_reference_if_free(
        session, organization_id=organization_id, reference=reference, owner=customer_id
    ):
        raise ReferenceTaken
    ((group_id,),) = await execute(
        session,
        _INSERT,
        id=customer_id,
        organization_id=organization_id,
        sealed=sealed,
        sealed_password=cipher.seal(PASSWORD_COLUMN, customer_id, password_hash) if password_hash else None,
        shopper_reference=reference,
        reference_hash=repository.reference_hash(vault, organization_id=organization_id, reference=personal.reference),
        newsletter=newsletter,
        terms_version=personal.terms_version,
        approval=approval.value if approval else None,
        created_at=moment,
        updated_at=moment,
    )
    return CustomerRow(
        id=customer_id,
        organization_id=organization_id,
        sealed=sealed,
        has_password=password_hash is not None,
        shopper_reference=reference,
        placed_orders=0,
        group_id=group_id,
        group_code=None,
        group_name=None,
        group_tax_exempt=None,
        newsletter=newsletter,
        approval=approval.value if approval else None,
        email_verified_at=None,
        version=1,
        created_at=moment,
        updated_at=moment,
        erased_at=None,
    )


async def lock(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID
) -> CustomerRecord | None:
    """Lock a customer and read it; None when there is none, it was erased or has no key."""
    rows = await execute(session, _LOCK, organization_id=organization_id, customer_id=customer_id)
    try:
        return open_row(rows[0], await vault.cipher(customer_id)) if rows else None
    except KeyDestroyed:
        return None


async def lock_with_password(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID
) -> tuple[CustomerRecord, str | None] | None:
    """Lock a customer and read it with its password hash; None when there is none or it was erased."""
    rows = await execute(session, _LOCK_WITH_PASSWORD, organization_id=organization_id, customer_id=customer_id)
    if not rows:
        return None
    (row, sealed), cipher = rows[0], await vault.cipher(customer_id)
    return open_row(row, cipher), cipher.open(PASSWORD_COLUMN, customer_id, sealed) if sealed else None


async def replace_group(
    session: AsyncSession, vault: Vault, customer: CustomerRecord, *, group_id: UUID | None, is_next_version: bool
) -> CustomerRecord:
    """Put a locked or new customer into another group, or take it out of its group.

    Unless the record is the next version already, it becomes that. The foreign key rejects a group that is deleted
    concurrently.
    """
    written = customer if is_next_version else await write_next_version(session, vault, customer)
    # Not deferred: the next version is, and two deferred changes of one row would be one statement.
    await execute(session, _UPDATE_GROUP, customer_id=customer.row.id, group_id=group_id)
    # Only the id of the new group is known here.
    row = written.row._replace(group_id=group_id, group_code=None, group_name=None, group_tax_exempt=None)
    return CustomerRecord(row, written.personal)


async def replace_password_hash(session: AsyncSession, vault: Vault, *, customer_id: UUID, password_hash: str) -> None:
    """Replace the hash of an unchanged password at the end of the transaction (rehash)."""
    sealed = (await vault.cipher(customer_id)).seal(PASSWORD_COLUMN, customer_id, password_hash)
    execute_at_commit(session, _UPDATE_PASSWORD, customer_id=customer_id, sealed_password=sealed)


async def write_next_version(session: AsyncSession, vault: Vault, customer: CustomerRecord) -> CustomerRecord:
    """Write the next version of the record a profile was made from, when the transaction ends.

    The transaction ends with `VersionConflict` when the row has a newer version; that of a locked customer cannot.
    """
    row, moment = customer.row, now()
    sealed = (await vault.cipher(row.id)).seal(TABLE, row.id, customer.personal)
    values = {
        "sealed": sealed,
        "reference_hash": repository.reference_hash(
            vault, organization_id=row.organization_id, reference=customer.personal.reference
        ),
        "shopper_reference": row.shopper_reference,
        "newsletter": row.newsletter,
        "terms_version": customer.personal.terms_version,
        "email_verified_at": row.email_verified_at,
        "updated_at": moment,
    }
    execute_at_commit(session, _UPDATE, customer_id=row.id, expected_version=row.version, **values)
    return CustomerRecord(row._replace(sealed=sealed, version=row.version + 1, updated_at=moment), customer.personal)
