"""The outbox: mails are rows of the act's transaction, sealed with the customer's key."""

from uuid import uuid4

import pytest
from sqlmodel import select

from app.platform.mail import outbox
from app.platform.mail.outbox import TABLE
from app.platform.mail.tables import OutgoingMail
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from tests.shop import Shop


def _organization(shop: Shop) -> Organization:
    return Organization(shop.organization.id, shop.organization.slug, "First")


async def _mails(shop: Shop) -> list[OutgoingMail]:
    async with shop.runtime.store.database.transaction() as session:
        return list((await session.exec(select(OutgoingMail))).all())


async def test_a_posted_mail_is_readable_with_the_customers_key_only(shop: Shop) -> None:
    vault, customer_id = shop.runtime.store.vault, uuid4()
    cipher = await vault.create_key(customer_id, organization_id=shop.organization.id)

    async with shop.runtime.store.database.transaction() as session:
        await outbox.enqueue(
            session,
            vault,
            organization=_organization(shop),
            customer_id=customer_id,
            to="ann@example.org",
            locale="de-CH",
            template=Template.RESET_PASSWORD,
            values={"token": "pr_secret"},
        )

    [mail] = await _mails(shop)
    assert (mail.template, mail.state, mail.customer_id) == ("RESET_PASSWORD", "QUEUED", customer_id)
    assert mail.sealed is not None
    assert b"ann" not in mail.sealed
    opened = cipher.open(TABLE, mail.id, mail.sealed)
    assert (opened["to"], opened["locale"], opened["values"]) == ("ann@example.org", "de-CH", {"token": "pr_secret"})


async def test_a_mail_for_nobodys_key_is_written_like_any_other(shop: Shop) -> None:
    vault = shop.runtime.store.vault

    async with shop.runtime.store.database.transaction() as session:
        await outbox.enqueue(
            session,
            vault,
            organization=_organization(shop),
            customer_id=uuid4(),
            to="nobody@example.org",
            locale=None,
            template=Template.PASSWORD_CHANGED,
            values={},
        )

    [mail] = await _mails(shop)
    assert mail.sealed is not None


async def test_a_mail_without_the_values_of_its_template_is_not_written(shop: Shop) -> None:
    async with shop.runtime.store.database.transaction() as session:
        with pytest.raises(ValueError, match="token"):
            await outbox.enqueue(
                session,
                shop.runtime.store.vault,
                organization=_organization(shop),
                customer_id=uuid4(),
                to="ann@example.org",
                locale=None,
                template=Template.RESET_PASSWORD,
                values={},
            )

    assert await _mails(shop) == []
