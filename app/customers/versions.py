"""The versions of a customer's profile: writes the first, holds the newest, writes the next."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, insert, inspect, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository
from app.customers.groups import repository as groups
from app.customers.records import COLUMNS, PASSWORD, TABLE, Approval, CustomerRecord, CustomerRow, Personal, open_row
from app.customers.tables import Customer
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.writing import Write, later, run
from app.platform.vault.vault import Vault


class _GroupId(NamedTuple):
    group_id: UUID | None


_ADD = Write(
    insert(Customer)
    .values(
        {
            **{column.name: bindparam(column.name, type_=column.type) for column in inspect(Customer).columns},
            "group_id": groups.DEFAULT,
        }
    )
    .returning(col(Customer.group_id)),
    _GroupId._make,
    defaults={"placed_orders": 0, "version": 1, "email_verified_at": None, "erased_at": None, "deleted_at": None},
)
_HELD = Write(
    select(*COLUMNS)
    .where(
        col(Customer.id) == bindparam("customer_id"),
        col(Customer.organization_id) == bindparam("organization_id"),
        col(Customer.erased_at).is_(None),
    )
    .with_for_update(of=Customer),
    CustomerRow._make,
)
_REWRITE: Write[Any] = Write(
    update(Customer)
    .where(
        col(Customer.id) == bindparam("customer_id"),
        col(Customer.version) == bindparam("seen"),
        col(Customer.erased_at).is_(None),
    )
    .values(
        sealed=bindparam("sealed"),
        reference_hash=bindparam("reference_hash"),
        shopper_reference=bindparam("shopper_reference"),
        newsletter=bindparam("newsletter"),
        email_verified_at=bindparam("email_verified_at"),
        updated_at=bindparam("updated_at"),
        version=col(Customer.version) + 1,
    ),
    certain=True,
)
_REHASH: Write[Any] = Write(
    update(Customer)
    .where(col(Customer.id) == bindparam("customer_id"))
    .values(sealed_password=bindparam("sealed_password"))
)


async def add(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    personal: Personal,
    password_hash: str | None,
    newsletter: bool = False,
    approval: Approval | None = None,
    shopper_reference: str | None = None,
) -> CustomerRow:
    """Make the customer's key, then its row, in the group of new customers; names are given to it separately."""
    customer_id = new_id()
    box = await vault.create_key(customer_id, organization_id=organization_id)
    moment = now()
    sealed, reference = box.seal(TABLE, customer_id, personal), shopper_reference or repository.new_shopper_reference()
    ((group_id,),) = await run(
        session,
        _ADD,
        id=customer_id,
        organization_id=organization_id,
        sealed=sealed,
        sealed_password=box.seal(PASSWORD, customer_id, password_hash) if password_hash else None,
        shopper_reference=reference,
        reference_hash=repository.reference_hash(vault, organization_id=organization_id, reference=personal.reference),
        newsletter=newsletter,
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


async def hold(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, customer_id: UUID
) -> CustomerRecord | None:
    """The customer as it is, locked until the transaction ends; None when there is none or it was erased."""
    rows = await run(session, _HELD, organization_id=organization_id, customer_id=customer_id)
    return open_row(rows[0], await vault.box(customer_id)) if rows else None


async def rehash(session: AsyncSession, vault: Vault, *, customer_id: UUID, password_hash: str) -> None:
    """Have the hash of the same password replaced when the transaction ends."""
    sealed = (await vault.box(customer_id)).seal(PASSWORD, customer_id, password_hash)
    later(session, _REHASH, customer_id=customer_id, sealed_password=sealed)


async def rewrite(
    session: AsyncSession, vault: Vault, customer: CustomerRecord, *, at_once: bool = False
) -> CustomerRecord:
    """Have a profile written as the next version of the one it was made from, when the transaction ends or `at_once`.

    The transaction ends with `Stale` when that is not the newest version any more, which a held one always is.
    """
    row, moment = customer.row, now()
    sealed = (await vault.box(row.id)).seal(TABLE, row.id, customer.personal)
    written = {
        "sealed": sealed,
        "reference_hash": repository.reference_hash(
            vault, organization_id=row.organization_id, reference=customer.personal.reference
        ),
        "shopper_reference": row.shopper_reference,
        "newsletter": row.newsletter,
        "email_verified_at": row.email_verified_at,
        "updated_at": moment,
    }
    if at_once:
        await run(session, _REWRITE, customer_id=row.id, seen=row.version, **written)
    else:
        later(session, _REWRITE, customer_id=row.id, seen=row.version, **written)
    return CustomerRecord(row._replace(sealed=sealed, version=row.version + 1, updated_at=moment), customer.personal)
