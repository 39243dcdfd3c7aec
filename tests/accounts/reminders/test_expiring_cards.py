"""Tests of the reminder a month before a saved card expires."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.accounts.reminders.expiring_cards import remind_of_expiring_cards
from app.customers.payment_methods.gateways.sandbox import YEARS_VALID
from app.platform.clock import now
from app.platform.mail.delivery import MailTransport, deliver_due
from app.platform.mail.smtp import MailServer
from tests.customers.payment_methods.payments import FaultyGateway, SandboxPayments, erase_customer
from tests.platform.mail.server import open_smtp_server, text
from tests.shop import Person, Shop

YEAR = now().year + YEARS_VALID
# The sandbox's cards are valid until the end of December.
SOON = datetime(YEAR, 12, 2, tzinfo=UTC)
NOT_YET = SOON - timedelta(milliseconds=1)
TOO_LATE = datetime(YEAR + 1, 1, 1, tzinfo=UTC)


@pytest.fixture
async def payments(shop: Shop) -> SandboxPayments:
    return SandboxPayments(shop, FaultyGateway())


@pytest.fixture
async def ann(shop: Shop) -> Person:
    return await shop.register("ann@example.org", locale="de-CH")


async def remind(shop: Shop, moment: datetime = SOON) -> int:
    return await remind_of_expiring_cards(shop.runtime.store, moment=moment)


async def notices(shop: Shop) -> int:
    return await shop.count("outgoing_mails", "template = 'CARD_EXPIRES'")


@pytest.mark.alone("moves the expiry of every card")
async def test_the_owner_is_notified_once_in_its_language_which_card_expires(
    payments: SandboxPayments, ann: Person
) -> None:
    shop = payments.shop
    await payments.add_method(ann, "tok_mastercard")

    assert [await remind(shop, NOT_YET), await remind(shop), await remind(shop)] == [0, 1, 0]

    assert (await shop.audit())[-1] == "payment_method.expiry_announced"
    with open_smtp_server() as smtp_server:
        transport = MailTransport(
            MailServer.parse(smtp_server.url), sender="no-reply@patron.test", fallback_url="http://patron.test"
        )
        await deliver_due(shop.runtime.store, transport)
    mail = smtp_server.to("ann@example.org")[-1]
    assert mail["Subject"] == "Eine bei First gespeicherte Karte läuft bald ab"
    assert f"Ihre Karte Mastercard •••• 4444 läuft Ende 12/{YEAR} ab." in text(mail)


@pytest.mark.alone("moves the expiry of every card")
async def test_each_card_has_its_own_mail_and_a_bank_account_has_none(payments: SandboxPayments, ann: Person) -> None:
    bob = await payments.shop.register("bob@example.org")
    for token in ("tok_visa", "tok_amex", "tok_bank_account"):
        await payments.add_method(ann, token)
    await payments.add_method(bob, "tok_visa")

    assert await remind(payments.shop) == 3


@pytest.mark.alone("moves the expiry of every card")
async def test_of_a_card_that_has_expired_meanwhile_nothing_is_said(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)

    assert await remind(payments.shop, TOO_LATE) == 0
    assert await remind(payments.shop) == 0
    assert await notices(payments.shop) == 0


async def test_who_saves_a_card_that_expires_soon_has_just_seen_it(payments: SandboxPayments, ann: Person) -> None:
    method = await payments.add_method(ann, "tok_expiring")
    waiting = await payments.shop.count("payment_methods", "expiry_notice_at IS NOT NULL")

    assert waiting == int(not method["expiresSoon"])


@pytest.mark.alone("moves the expiry of every card")
async def test_a_row_from_before_notices_is_looked_at_and_gets_its_own_moment(
    payments: SandboxPayments, ann: Person
) -> None:
    await payments.add_method(ann)
    # The value that the migration writes.
    await payments.shop.execute("UPDATE payment_methods SET expiry_notice_at = updated_at")

    assert [await remind(payments.shop, now()), await remind(payments.shop)] == [0, 1]


@pytest.mark.alone("moves the expiry of every card")
async def test_a_deleted_card_and_an_erased_owner_get_no_mail(payments: SandboxPayments, ann: Person) -> None:
    bob = await payments.shop.register("bob@example.org")
    await payments.add_method(bob)
    await payments.delete(ann, (await payments.add_method(ann))["id"])
    await erase_customer(payments, bob)

    assert await remind(payments.shop) == 0
    assert await notices(payments.shop) == 0


@pytest.mark.alone("moves the expiry of every card")
async def test_workers_side_by_side_write_one_mail(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)

    reminded = await asyncio.gather(*(remind(payments.shop) for _ in range(4)))

    assert sum(reminded) == 1
    assert await notices(payments.shop) == 1


@pytest.mark.alone("moves the expiry of every card")
async def test_one_that_fails_stays_due_and_does_not_hold_up_the_others(payments: SandboxPayments, ann: Person) -> None:
    shop = payments.shop
    await payments.add_method(ann)
    await shop.execute("UPDATE payment_methods SET sealed = sealed || sealed")
    await payments.add_method(await shop.register("bob@example.org"))

    assert await remind(shop) == 1

    assert await notices(shop) == 1
    assert await shop.count("payment_methods", "expiry_notice_at IS NOT NULL") == 1
