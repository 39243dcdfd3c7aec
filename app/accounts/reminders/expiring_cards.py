"""Tells customers that a saved card expires, a month before."""

from datetime import datetime

from app.accounts.organizations.repository import by_id
from app.customers import repository as customers
from app.customers.notices import notify
from app.customers.payment_methods import expiry
from app.customers.payment_methods.expiry import FIRST, Awaited
from app.customers.payment_methods.records import Details
from app.platform.audit.log import Action, record_of_house
from app.platform.logs import report
from app.platform.mail.templates import Template
from app.platform.vault.vault import Store


async def remind_of_expiring_cards(store: Store, *, moment: datetime) -> int:
    """Write to all owners who are to be told by this moment, to each once; return how many mails there are.

    Killed in between, the others are told the next time. One that fails stays due, and does not hold up the others.
    """
    reminded, last = 0, FIRST
    while found := await expiry.due(store, moment=moment, after=last):
        for method in found:
            try:
                reminded += await _remind(store, method, moment)
            except Exception as fault:  # noqa: BLE001 - the others must be told all the same
                report("expiry_notice_failed", fault, payment_method_id=method.id.hex)
        last = found[-1].id
    return reminded


async def _remind(store: Store, method: Awaited, moment: datetime) -> bool:
    async with store.database.transaction() as session:
        customer = await customers.lock(
            session, store.vault, organization_id=method.organization_id, customer_id=method.customer_id
        )
        # Of an erased customer the row is gone, or about to be.
        details = await expiry.take_notice(session, store.vault, method, moment=moment) if customer else None
        if customer is None or details is None:
            return False
        await notify(
            session,
            store.vault,
            organization=await by_id(session, method.organization_id),
            customer_id=method.customer_id,
            personal=customer.personal,
            template=Template.CARD_EXPIRES,
            card=_recognised(details),
            expires=f"{details.expiry_month:02}/{details.expiry_year}",
        )
        record_of_house(
            session,
            Action.PAYMENT_METHOD_EXPIRY_ANNOUNCED,
            organization_id=method.organization_id,
            customer_id=method.customer_id,
            object_id=method.id,
        )
    return True


def _recognised(details: Details) -> str:
    """By what the owner knows the card, in every language."""
    brand = (details.brand or "").replace("_", " ").title()
    return " ".join(filter(None, (brand, details.last4 and f"•••• {details.last4}")))
