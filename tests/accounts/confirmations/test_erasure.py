"""Tests that erasure deletes mails and proofs, and that the mailbox page exists in development only."""

from app.privacy.erasure import erase_due
from tests.accounts.confirmations.storefront import Storefront
from tests.shop import Urls, open_shop

ANN = "ann@example.org"


async def test_mails_and_proofs_of_an_erased_customer_are_deleted(storefront: Storefront) -> None:
    shop = storefront.shop
    await storefront.register_verified(ANN)
    await storefront.succeed("requestPasswordReset", email=ANN)
    token = (await storefront.mail_values("RESET_PASSWORD", ANN))["token"]
    staff = await shop.staff(organization=storefront.organization)
    found = (await shop.ask("CustomerByEmail", token=staff, email=ANN)).data["customer"]
    (await shop.ask("RequestAnonymization", token=staff, customerId=found["id"])).payload("requestAnonymization")

    assert await erase_due(shop.runtime.store) == 1

    assert (await shop.count("outgoing_mails"), await shop.count("proofs")) == (0, 0)
    given = {"token": token, "password": "a new password 1", "passwordConfirmation": "a new password 1"}
    assert await storefront.refusals_of("resetPassword", **given) == [("TOKEN_INVALID", ["token"])]


async def test_the_mailbox_is_a_page_without_scripts_or_other_hosts(storefront: Storefront) -> None:
    await storefront.register(ANN)
    [mail] = await storefront.mails()

    index = await storefront.shop.client.get("/dev/mail")
    page = await storefront.shop.client.get(f"/dev/mail/{mail['id']}")
    json = await storefront.shop.client.get(f"/dev/mail/{mail['id']}", headers={"accept": "application/json"})

    assert f'href="/dev/mail/{mail["id"]}"' in index.text
    assert mail["values"]["code"] in page.text
    assert json.json() == mail
    for answer in (index, page):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "<script" not in answer.text
    missing = await storefront.shop.client.get("/dev/mail/00000000-0000-7000-8000-000000000000")
    assert missing.status_code == 404


async def test_there_is_no_mailbox_in_production(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, env="production") as shop:
        answers = [
            await shop.client.get(path, headers={"accept": accept})
            for path in ("/dev/mail", "/dev/mail/00000000-0000-7000-8000-000000000000")
            for accept in ("text/html", "application/json")
        ]

    assert [answer.status_code for answer in answers] == [404] * 4
