"""Tells customers that a saved card expires, a month before."""

from datetime import datetime

from app.accounts.organizations.repository import by_id
from app.customers import repository as customers
from app.customers.notices import notify
from app.customers.payment_methods import expiry_notices
from app.customers.payment_methods.expiry_notices import LOWEST_ID, DueNotice
from app.customers.payment_methods.records import PaymentMethodDetails
from app.platform.audit.log import Action, record_system_event
from app.platform.logs import log_exception
from app.platform.mail.templates import Template
from app.platform.vault.vault import Store


async def remind_of_expiring_cards(store: Store, *, moment: datetime) -> int:
    """Write to all owners who are to be told by this moment, to each once; return how many mails there are.

    Killed in between, the others are told the next time. One that fails stays due, and does not hold up the others.
    """
    sent, last = 0, LOWEST_ID
    while found := await expiry_notices.due_notices(store, moment=moment, after=last):
        for method in found:
            try:
                sent += await _remind(store, method, moment)
            except Exception as fault:  # noqa: BLE001 - the others must be told all the same
                log_exception("expiry_notice_failed", fault, payment_method_id=method.id.hex)
        last = found[-1].id
    return sent


async def _remind(store: Store, method: DueNotice, moment: datetime) -> bool:
    async with store.database.transaction() as session:
        customer = await customers.lock(
            session, store.vault, organization_id=method.organization_id, customer_id=method.customer_id
        )
        # Of an erased customer the row is gone, or about to be.
        details = await expiry_notices.settle_notice(session, store.vault, method, moment=moment) if customer else None
        if customer is None or details is None:
            return False
        await notify(
            session,
            store.vault,
            organization=await by_id(session, method.organization_id),
            customer_id=method.customer_id,
            personal=customer.personal,
            template=Template.CARD_EXPIRES,
            card=_card_label(details),
            expires=f"{details.expiry_month:02}/{details.expiry_year}",
        )
        record_system_event(
            session,
            Action.PAYMENT_METHOD_EXPIRY_ANNOUNCED,
            organization_id=method.organization_id,
            customer_id=method.customer_id,
            object_id=method.id,
        )
    return True


def _card_label(details: PaymentMethodDetails) -> str:
    """By what the owner knows the card, in every language."""
    brand = (details.brand or "").replace("_", " ").title()
    return " ".join(filter(None, (brand, details.last4 and f"•••• {details.last4}")))
