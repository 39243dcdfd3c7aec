"""The outbox: mails are rows of the act's transaction, sealed with the customer's key."""

from uuid import uuid4

import pytest
from sqlmodel import select

from app.platform.mail import outbox
from app.platform.mail.outbox import TABLE
from app.platform.mail.tables import OutgoingMail
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from tests.house import House


def _shop(house: House) -> Organization:
    return Organization(house.shop.id, house.shop.slug, "First")


async def _mails(house: House) -> list[OutgoingMail]:
    async with house.patron.store.database.transaction() as session:
        return list((await session.exec(select(OutgoingMail))).all())


async def test_a_posted_mail_is_readable_with_the_customers_key_only(house: House) -> None:
    vault, customer_id = house.patron.store.vault, uuid4()
    box = await vault.create_key(customer_id, organization_id=house.shop.id)

    async with house.patron.store.database.transaction() as session:
        await outbox.post(
            session,
            vault,
            organization=_shop(house),
            customer_id=customer_id,
            to="ann@example.org",
            locale="de-CH",
            template=Template.RESET_PASSWORD,
            values={"token": "pr_secret"},
        )

    [mail] = await _mails(house)
    assert (mail.template, mail.state, mail.customer_id) == ("RESET_PASSWORD", "QUEUED", customer_id)
    assert mail.sealed is not None
    assert b"ann" not in mail.sealed
    opened = box.open(TABLE, mail.id, mail.sealed)
    assert (opened["to"], opened["locale"], opened["values"]) == ("ann@example.org", "de-CH", {"token": "pr_secret"})


async def test_a_mail_for_nobodys_key_is_written_like_any_other(house: House) -> None:
    vault = house.patron.store.vault

    async with house.patron.store.database.transaction() as session:
        await outbox.post(
            session,
            vault,
            organization=_shop(house),
            customer_id=uuid4(),
            to="nobody@example.org",
            locale=None,
            template=Template.PASSWORD_CHANGED,
            values={},
        )

    [mail] = await _mails(house)
    assert mail.sealed is not None


async def test_a_mail_without_the_values_of_its_template_is_not_written(house: House) -> None:
    async with house.patron.store.database.transaction() as session:
        with pytest.raises(ValueError, match="token"):
            await outbox.post(
                session,
                house.patron.store.vault,
                organization=_shop(house),
                customer_id=uuid4(),
                to="ann@example.org",
                locale=None,
                template=Template.RESET_PASSWORD,
                values={},
            )

    assert await _mails(house) == []
