"""A month before a saved card expires its owner is told, once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.accounts.reminders.expiring_cards import remind_of_expiring_cards
from app.customers.payment_methods.gateways.sandbox import YEARS_VALID
from app.platform.clock import now
from app.platform.mail.delivery import Post, deliver_due
from app.platform.mail.smtp import MailServer
from tests.customers.payment_methods.gateway import Counter, FaultyGateway, forget
from tests.house import House, Person
from tests.platform.mail.server import post_office, text

YEAR = now().year + YEARS_VALID
# Cards of the sandbox are valid until the end of December.
SOON = datetime(YEAR, 12, 2, tzinfo=UTC)
NOT_YET = SOON - timedelta(milliseconds=1)
TOO_LATE = datetime(YEAR + 1, 1, 1, tzinfo=UTC)


@pytest.fixture
async def counter(house: House) -> Counter:
    return Counter(house, FaultyGateway())


@pytest.fixture
async def ann(house: House) -> Person:
    return await house.register("ann@example.org", locale="de-CH")


async def remind(house: House, moment: datetime = SOON) -> int:
    return await remind_of_expiring_cards(house.patron.store, moment=moment)


async def notices(house: House) -> int:
    return await house.count("outgoing_mails", "template = 'CARD_EXPIRES'")


async def test_the_owner_is_told_once_in_its_language_which_card_expires(counter: Counter, ann: Person) -> None:
    house = counter.house
    await counter.added(ann, "tok_mastercard")

    assert [await remind(house, NOT_YET), await remind(house), await remind(house)] == [0, 1, 0]

    assert (await house.audit())[-1] == "payment_method.expiry_announced"
    with post_office() as office:
        post = Post(MailServer.parse(office.url), sender="no-reply@patron.test", fallback_url="http://patron.test")
        await deliver_due(house.patron.store, post)
    mail = office.to("ann@example.org")[-1]
    assert mail["Subject"] == "Eine bei First gespeicherte Karte läuft bald ab"
    assert f"Ihre Karte Mastercard •••• 4444 läuft Ende 12/{YEAR} ab." in text(mail)


async def test_each_card_has_its_own_mail_and_a_bank_account_has_none(counter: Counter, ann: Person) -> None:
    bob = await counter.house.register("bob@example.org")
    for token in ("tok_visa", "tok_amex", "tok_bank_account"):
        await counter.added(ann, token)
    await counter.added(bob, "tok_visa")

    assert await remind(counter.house) == 3


async def test_of_a_card_that_has_expired_meanwhile_nothing_is_said(counter: Counter, ann: Person) -> None:
    await counter.added(ann)

    assert await remind(counter.house, TOO_LATE) == 0
    assert await remind(counter.house) == 0
    assert await notices(counter.house) == 0


async def test_who_saves_a_card_that_expires_soon_has_just_seen_it(counter: Counter, ann: Person) -> None:
    method = await counter.added(ann, "tok_expiring")
    waiting = await counter.house.count("payment_methods", "expiry_notice_at IS NOT NULL")

    assert waiting == int(not method["expiresSoon"])


async def test_a_row_from_before_notices_is_looked_at_and_gets_its_own_moment(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    # As the migration leaves it.
    await counter.house.execute("UPDATE payment_methods SET expiry_notice_at = updated_at")

    assert [await remind(counter.house, now()), await remind(counter.house)] == [0, 1]


async def test_a_card_that_is_gone_and_an_owner_who_was_forgotten_are_left_in_peace(
    counter: Counter, ann: Person
) -> None:
    bob = await counter.house.register("bob@example.org")
    await counter.added(bob)
    await counter.delete(ann, (await counter.added(ann))["id"])
    await forget(counter, bob)

    assert await remind(counter.house) == 0
    assert await notices(counter.house) == 0


async def test_workers_side_by_side_write_one_mail(counter: Counter, ann: Person) -> None:
    await counter.added(ann)

    reminded = await asyncio.gather(*(remind(counter.house) for _ in range(4)))

    assert sum(reminded) == 1
    assert await notices(counter.house) == 1


async def test_one_that_fails_stays_due_and_does_not_hold_up_the_others(counter: Counter, ann: Person) -> None:
    house = counter.house
    await counter.added(ann)
    await house.execute("UPDATE payment_methods SET sealed = sealed || sealed")
    await counter.added(await house.register("bob@example.org"))

    assert await remind(house) == 1

    assert await notices(house) == 1
    assert await house.count("payment_methods", "expiry_notice_at IS NOT NULL") == 1
