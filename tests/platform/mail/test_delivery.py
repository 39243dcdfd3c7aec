"""Mail delivery through a real mail server: at least once, with back-off and a limit of attempts."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select, update

from app.platform.clock import now
from app.platform.mail import delivery, outbox
from app.platform.mail.delivery import BATCH, MAX_ATTEMPTS, MailTransport, counts, deliver_due, lease_due
from app.platform.mail.outbox import MailState
from app.platform.mail.smtp import BadMailServerUrl, MailServer
from app.platform.mail.tables import OutgoingMail
from app.platform.mail.templates import Template
from app.platform.principal import Organization, OrganizationSettings
from tests.live_server import free_port
from tests.platform.mail.server import SmtpServer, open_smtp_server, text
from tests.shop import Shop

SETTINGS = OrganizationSettings(storefront_url="https://shop.example.org", mail_sender="hello@shop.example.org")


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    with open_smtp_server() as running:
        yield running


def transport_to(url: str) -> MailTransport:
    return MailTransport(MailServer.parse(url), sender="no-reply@patron.test", fallback_url="http://patron.test")


async def post_mails(shop: Shop, *, customer_id: UUID | None = None, count: int = 1) -> UUID:
    """Put mails into the outbox."""
    store = shop.runtime.store
    if customer_id is None:
        customer_id = uuid4()
        await store.vault.create_key(customer_id, organization_id=shop.organization.id)
    async with store.database.transaction() as session:
        for _ in range(count):
            await outbox.enqueue(
                session,
                store.vault,
                organization=Organization(shop.organization.id, "first", "Fürst & Söhne", SETTINGS),
                customer_id=customer_id,
                to="ann@example.org",
                locale="de-CH",
                template=Template.RESET_PASSWORD,
                values={"token": "pr_secret"},
            )
    return customer_id


async def rows(shop: Shop) -> list[OutgoingMail]:
    async with shop.runtime.store.database.transaction() as session:
        return list((await session.exec(select(OutgoingMail).order_by(OutgoingMail.id))).all())  # type: ignore[arg-type]


async def make_due(shop: Shop) -> None:
    async with shop.runtime.store.database.transaction() as session:
        await session.exec(update(OutgoingMail).values(due_at=now()))


async def test_a_mail_arrives_in_the_customers_language_and_its_body_is_removed(
    shop: Shop, smtp_server: SmtpServer
) -> None:
    await post_mails(shop)

    assert await deliver_due(shop.runtime.store, transport_to(smtp_server.url)) == 1

    [mail], [row] = smtp_server.mails, await rows(shop)
    assert (mail["To"], mail["From"]) == ("ann@example.org", "Fürst & Söhne <hello@shop.example.org>")
    assert mail["Subject"] == "Wählen Sie ein neues Passwort für Fürst & Söhne"
    assert "https://shop.example.org/reset-password?token=pr_secret" in text(mail)
    assert mail["Message-ID"] == f"<{row.id.hex}@shop.example.org>"
    assert (row.state, row.sealed) == ("SENT", None)
    assert await deliver_due(shop.runtime.store, transport_to(smtp_server.url)) == 0
    assert len(smtp_server.mails) == 1


async def test_a_server_that_is_away_is_asked_again_later_and_given_up_after_the_last_try(
    shop: Shop, smtp_server: SmtpServer
) -> None:
    await post_mails(shop)
    away = transport_to(f"smtp://127.0.0.1:{free_port()}")
    assert await deliver_due(shop.runtime.store, away) == 0
    [row] = await rows(shop)
    assert (row.state, row.attempts) == ("QUEUED", 1)
    assert row.due_at > now() + timedelta(seconds=5)
    assert await deliver_due(shop.runtime.store, transport_to(smtp_server.url)) == 0

    for _ in range(MAX_ATTEMPTS - 1):
        await make_due(shop)
        await deliver_due(shop.runtime.store, away)

    [row] = await rows(shop)
    assert (row.state, row.attempts, row.sealed) == ("FAILED", MAX_ATTEMPTS, None)
    assert row.failure == "SMTPConnectError"
    assert await counts(shop.runtime.store) == {MailState.QUEUED: 0, MailState.SENT: 0, MailState.FAILED: 1}
    assert smtp_server.mails == []


async def test_a_busy_server_gets_the_mail_later_and_a_final_no_is_final(shop: Shop, smtp_server: SmtpServer) -> None:
    await post_mails(shop)

    smtp_server.refuses_with = "451 Try again later"
    await deliver_due(shop.runtime.store, transport_to(smtp_server.url))
    assert [row.state for row in await rows(shop)] == ["QUEUED"]

    smtp_server.refuses_with = "550 No such mailbox"
    await make_due(shop)
    await deliver_due(shop.runtime.store, transport_to(smtp_server.url))

    assert [(row.state, row.attempts) for row in await rows(shop)] == [("FAILED", 2)]


async def test_a_worker_that_dies_after_sending_sends_again_with_the_same_message_id(
    shop: Shop, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post_mails(shop)

    async def die(*_: object) -> int:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_settle", die)
        with pytest.raises(asyncio.CancelledError):
            await deliver_due(shop.runtime.store, transport_to(smtp_server.url))
    await make_due(shop)
    await deliver_due(shop.runtime.store, transport_to(smtp_server.url))

    assert len({mail["Message-ID"] for mail in smtp_server.mails}) == 1
    assert len(smtp_server.mails) == 2


async def test_workers_side_by_side_send_each_mail_once(shop: Shop, smtp_server: SmtpServer) -> None:
    await post_mails(shop, count=BATCH + 5)

    sent = await asyncio.gather(*(deliver_due(shop.runtime.store, transport_to(smtp_server.url)) for _ in range(3)))

    assert sum(sent) == BATCH + 5
    assert len({mail["Message-ID"] for mail in smtp_server.mails}) == len(smtp_server.mails) == BATCH + 5


async def test_what_was_written_for_nobody_is_never_sent(shop: Shop, smtp_server: SmtpServer) -> None:
    await post_mails(shop, customer_id=uuid4())

    assert await deliver_due(shop.runtime.store, transport_to(smtp_server.url)) == 0

    assert smtp_server.mails == []
    assert await rows(shop) == []


async def test_without_a_server_development_keeps_mails_readable_and_production_keeps_them_queued(shop: Shop) -> None:
    await post_mails(shop)
    production = MailTransport(None, sender="", fallback_url="")
    assert await deliver_due(shop.runtime.store, production) == 0
    assert [row.state for row in await rows(shop)] == ["QUEUED"]

    development = MailTransport(None, sender="", fallback_url="", keep_sent=True)
    assert await deliver_due(shop.runtime.store, development) == 1

    [row] = await rows(shop)
    assert row.state == "SENT"
    assert row.sealed is not None


async def test_a_claimed_mail_is_left_alone_until_its_lease_ends(shop: Shop) -> None:
    await post_mails(shop)

    assert len(await lease_due(shop.runtime.store)) == 1
    assert await lease_due(shop.runtime.store) == []


async def test_settled_mails_are_swept_after_a_while(shop: Shop, smtp_server: SmtpServer) -> None:
    await post_mails(shop)
    await deliver_due(shop.runtime.store, transport_to(smtp_server.url))
    store, before = shop.runtime.store, now() - timedelta(days=30)
    assert await delivery.sweep(store, organization_id=shop.organization.id, before=before) == 0

    async with store.database.transaction() as session:
        await session.exec(update(OutgoingMail).values(settled_at=before - timedelta(seconds=1)))

    assert await delivery.sweep(store, organization_id=uuid4(), before=before) == 0
    assert await delivery.sweep(store, organization_id=shop.organization.id, before=before) == 1
    assert await rows(shop) == []


async def test_what_was_written_to_a_customer_is_exported_without_what_its_links_do(
    shop: Shop, smtp_server: SmtpServer
) -> None:
    customer_id = await post_mails(shop)
    await deliver_due(shop.runtime.store, transport_to(smtp_server.url))

    names = {"organization_id": shop.organization.id, "customer_id": customer_id}
    [exported] = await outbox.export(shop.runtime.store, **names)

    assert (exported["mail"], exported["state"]) == ("RESET_PASSWORD", "SENT")
    assert "pr_secret" not in str(exported)
    assert await outbox.export(shop.runtime.store, organization_id=uuid4(), customer_id=customer_id) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:25", "127.0.0.1:25", "smtp://"])
def test_a_server_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(BadMailServerUrl, match="Write smtp://user:password@host:port"):
        MailServer.parse(url)


def test_a_server_address_carries_its_login_and_its_usual_port() -> None:
    server = MailServer.parse("smtps://post%40shop:p%2Fw@mail.example.org")

    assert server == MailServer("mail.example.org", 465, "smtps", "post@shop", "p/w")
    assert "p/w" not in repr(server)
