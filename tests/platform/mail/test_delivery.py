"""Delivery through a real mail server: at least once, with back-off, and not for ever."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select, update

from app.platform.clock import now
from app.platform.mail import delivery, outbox
from app.platform.mail.delivery import BATCH, TRIES, Post, claim_due, counts, deliver_due
from app.platform.mail.outbox import MailState
from app.platform.mail.smtp import MailServer
from app.platform.mail.tables import OutgoingMail
from app.platform.mail.templates import Template
from app.platform.principal import Organization, OrganizationSettings
from tests.house import House
from tests.live_server import free_port
from tests.platform.mail.server import PostOffice, post_office, text

SETTINGS = OrganizationSettings(storefront_url="https://shop.example.org", mail_sender="hello@shop.example.org")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as running:
        yield running


def through(url: str) -> Post:
    return Post(MailServer.parse(url), sender="no-reply@patron.test", fallback_url="http://patron.test")


async def posted(house: House, *, customer_id: UUID | None = None, count: int = 1) -> UUID:
    """Put mails into the outbox."""
    store = house.patron.store
    if customer_id is None:
        customer_id = uuid4()
        await store.vault.create_key(customer_id, organization_id=house.shop.id)
    async with store.database.transaction() as session:
        for _ in range(count):
            await outbox.post(
                session,
                store.vault,
                organization=Organization(house.shop.id, "first", "Fürst & Söhne", SETTINGS),
                customer_id=customer_id,
                to="ann@example.org",
                locale="de-CH",
                template=Template.RESET_PASSWORD,
                values={"token": "pr_secret"},
            )
    return customer_id


async def rows(house: House) -> list[OutgoingMail]:
    async with house.patron.store.database.transaction() as session:
        return list((await session.exec(select(OutgoingMail).order_by(OutgoingMail.id))).all())  # type: ignore[arg-type]


async def make_due(house: House) -> None:
    async with house.patron.store.database.transaction() as session:
        await session.exec(update(OutgoingMail).values(due_at=now()))


async def test_a_mail_arrives_in_the_customers_language_and_its_body_is_removed(
    house: House, office: PostOffice
) -> None:
    await posted(house)

    assert await deliver_due(house.patron.store, through(office.url)) == 1

    [mail], [row] = office.mails, await rows(house)
    assert (mail["To"], mail["From"]) == ("ann@example.org", "Fürst & Söhne <hello@shop.example.org>")
    assert mail["Subject"] == "Wählen Sie ein neues Passwort für Fürst & Söhne"
    assert "https://shop.example.org/reset-password?token=pr_secret" in text(mail)
    assert mail["Message-ID"] == f"<{row.id.hex}@shop.example.org>"
    assert (row.state, row.sealed) == ("SENT", None)
    assert await deliver_due(house.patron.store, through(office.url)) == 0
    assert len(office.mails) == 1


async def test_a_server_that_is_away_is_asked_again_later_and_given_up_after_the_last_try(
    house: House, office: PostOffice
) -> None:
    await posted(house)
    away = through(f"smtp://127.0.0.1:{free_port()}")
    assert await deliver_due(house.patron.store, away) == 0
    [row] = await rows(house)
    assert (row.state, row.attempts) == ("QUEUED", 1)
    assert row.due_at > now() + timedelta(seconds=5)
    assert await deliver_due(house.patron.store, through(office.url)) == 0

    for _ in range(TRIES - 1):
        await make_due(house)
        await deliver_due(house.patron.store, away)

    [row] = await rows(house)
    assert (row.state, row.attempts, row.sealed) == ("FAILED", TRIES, None)
    assert row.failure == "SMTPConnectError"
    assert await counts(house.patron.store) == {MailState.QUEUED: 0, MailState.SENT: 0, MailState.FAILED: 1}
    assert office.mails == []


async def test_a_busy_server_gets_the_mail_later_and_a_final_no_is_final(house: House, office: PostOffice) -> None:
    await posted(house)

    office.refuses_with = "451 Try again later"
    await deliver_due(house.patron.store, through(office.url))
    assert [row.state for row in await rows(house)] == ["QUEUED"]

    office.refuses_with = "550 No such mailbox"
    await make_due(house)
    await deliver_due(house.patron.store, through(office.url))

    assert [(row.state, row.attempts) for row in await rows(house)] == [("FAILED", 2)]


async def test_a_worker_that_dies_after_sending_sends_again_with_the_same_message_id(
    house: House, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    await posted(house)

    async def die(*_: object) -> int:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_settle", die)
        with pytest.raises(asyncio.CancelledError):
            await deliver_due(house.patron.store, through(office.url))
    await make_due(house)
    await deliver_due(house.patron.store, through(office.url))

    assert len({mail["Message-ID"] for mail in office.mails}) == 1
    assert len(office.mails) == 2


async def test_workers_side_by_side_send_each_mail_once(house: House, office: PostOffice) -> None:
    await posted(house, count=BATCH + 5)

    sent = await asyncio.gather(*(deliver_due(house.patron.store, through(office.url)) for _ in range(3)))

    assert sum(sent) == BATCH + 5
    assert len({mail["Message-ID"] for mail in office.mails}) == len(office.mails) == BATCH + 5


async def test_what_was_written_for_nobody_is_never_sent(house: House, office: PostOffice) -> None:
    await posted(house, customer_id=uuid4())

    assert await deliver_due(house.patron.store, through(office.url)) == 0

    assert office.mails == []
    assert await rows(house) == []


async def test_without_a_server_development_keeps_mails_readable_and_production_keeps_them_queued(house: House) -> None:
    await posted(house)
    production = Post(None, sender="", fallback_url="")
    assert await deliver_due(house.patron.store, production) == 0
    assert [row.state for row in await rows(house)] == ["QUEUED"]

    development = Post(None, sender="", fallback_url="", keeps=True)
    assert await deliver_due(house.patron.store, development) == 1

    [row] = await rows(house)
    assert row.state == "SENT"
    assert row.sealed is not None


async def test_a_claimed_mail_is_left_alone_until_its_lease_ends(house: House) -> None:
    await posted(house)

    assert len(await claim_due(house.patron.store)) == 1
    assert await claim_due(house.patron.store) == []


async def test_settled_mails_are_swept_after_a_while(house: House, office: PostOffice) -> None:
    await posted(house)
    await deliver_due(house.patron.store, through(office.url))
    assert await delivery.sweep(house.patron.store) == 0

    async with house.patron.store.database.transaction() as session:
        await session.exec(update(OutgoingMail).values(settled_at=now() - delivery.KEPT - timedelta(seconds=1)))

    assert await delivery.sweep(house.patron.store) == 1
    assert await rows(house) == []


async def test_what_was_written_to_a_customer_is_exported_without_what_its_links_do(
    house: House, office: PostOffice
) -> None:
    customer_id = await posted(house)
    await deliver_due(house.patron.store, through(office.url))

    names = {"organization_id": house.shop.id, "customer_id": customer_id}
    [exported] = await outbox.export(house.patron.store, **names)

    assert (exported["mail"], exported["state"]) == ("RESET_PASSWORD", "SENT")
    assert "pr_secret" not in str(exported)
    assert await outbox.export(house.patron.store, organization_id=uuid4(), customer_id=customer_id) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:25", "127.0.0.1:25", "smtp://"])
def test_a_server_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="PATRON_SMTP_URL"):
        MailServer.parse(url)


def test_a_server_address_carries_its_login_and_its_usual_port() -> None:
    server = MailServer.parse("smtps://post%40shop:p%2Fw@mail.example.org")

    assert server == MailServer("mail.example.org", 465, "smtps", "post@shop", "p/w")
    assert "p/w" not in repr(server)
