"""Reminder mails to customers whose saved card expires in a month."""

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
    """Mail every owner of a card whose reminder is due at `moment`, once per card; return the number of mails.

    Each reminder has its own transaction: after an interruption, the next run mails the rest. A failed reminder
    stays due and does not delay the others.
    """
    sent, last = 0, LOWEST_ID
    while found := await expiry_notices.due_notices(store, moment=moment, after=last):
        for method in found:
            try:
                sent += await _remind(store, method, moment)
            except Exception as fault:  # noqa: BLE001 - one failure must not stop the other reminders
                log_exception("expiry_notice_failed", fault, payment_method_id=method.id.hex)
        last = found[-1].id
    return sent


async def _remind(store: Store, method: DueNotice, moment: datetime) -> bool:
    async with store.database.transaction() as session:
        customer = await customers.lock(
            session, store.vault, organization_id=method.organization_id, customer_id=method.customer_id
        )
        # The payment methods of an erased customer are deleted, or about to be.
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
    """The brand and last four digits, which need no translation."""
    brand = (details.brand or "").replace("_", " ").title()
    return " ".join(filter(None, (brand, details.last4 and f"•••• {details.last4}")))
