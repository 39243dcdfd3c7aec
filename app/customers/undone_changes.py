"""Takes out of an account what it got since its address was changed, when that is undone: it is somebody else's.

Who confirmed the change may have been led to: the account was a stranger's, and is again after the undo.

| Since the change                                   | At the undo                                           |
| -------------------------------------------------- | ----------------------------------------------------- |
| names, telephone and so on, newsletter, attributes | as they were; what the back office wrote stays        |
| a login name was chosen                            | free                                                  |
| addresses were added or changed                    | deleted                                               |
| payment methods were added                         | deleted, at the gateway too                           |
| guest orders were attached, orders were recorded   | a guest's with the address that the account had since |
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import customer_orders, identifiers
from app.customers.addresses.customer_addresses import lock_addresses
from app.customers.addresses.defaults import take_over, types_without_default
from app.customers.identifiers import IdentifierKind
from app.customers.payment_methods import repository as payment_methods
from app.customers.payment_methods.customer_payment_methods import lock_payment_methods
from app.customers.payment_methods.deletion import remove_and_choose_default
from app.customers.records import CustomerDetails
from app.customers.repository import LockedCustomer
from app.platform.audit.log import Action
from app.platform.principal import RequestOrigin
from app.platform.vault.vault import Vault


def snapshot(customer: LockedCustomer, *, changed_at: datetime) -> dict[str, Any]:
    """What is sealed with the way back, before the address is changed."""
    return {
        "personal": asdict(customer.personal),
        "newsletter": customer.row.newsletter,
        "changed_at": changed_at.isoformat(),
    }


async def restore(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, customer: LockedCustomer, kept: Mapping[str, Any]
) -> None:
    """Bring a locked customer back to the snapshot; `kept["attached"]` are the orders that came with the address.

    The address itself is changed, and the customer saved, by the caller.
    """
    row, since = customer.row, datetime.fromisoformat(kept["changed_at"])
    attached = [UUID(hex=one) for one in kept["attached"]]
    await customer_orders.detach_orders(session, vault, customer, attached=attached, since=since)
    before = CustomerDetails(**kept["personal"])
    if customer.personal.login_name is not None and before.login_name is None:
        await identifiers.release(session, customer_id=row.id, kind=IdentifierKind.LOGIN_NAME)
    personal = customer.personal
    customer.personal = replace(
        before, email=personal.email, former_emails=personal.former_emails, **personal.by_back_office
    )
    row.newsletter = kept["newsletter"]
    await _delete_addresses(session, vault, origin, row.id, since)
    await _delete_payment_methods(session, vault, row.organization_id, row.id, since)


async def _delete_addresses(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, customer_id: UUID, since: datetime
) -> None:
    addresses = await lock_addresses(session, vault, origin, customer_id=customer_id)
    kept = [row for row in addresses.rows if row.updated_at < since]
    for row in addresses.rows:
        if row not in kept:
            await session.delete(row)
            addresses.audit(Action.ADDRESS_DELETED, row)
    await session.flush()
    missing = types_without_default(kept)
    if kept and missing:
        await take_over(addresses, kept[0], missing)


async def _delete_payment_methods(
    session: AsyncSession, vault: Vault, organization_id: UUID, customer_id: UUID, since: datetime
) -> None:
    methods = await lock_payment_methods(session, vault, None, organization_id=organization_id, customer_id=customer_id)
    for row in [row for row in methods.rows if row.created_at >= since]:
        payment_methods.request_detach(session, vault, row, methods.cipher)
        await remove_and_choose_default(methods, row)
