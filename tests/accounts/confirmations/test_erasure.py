"""Being forgotten reaches mails and proofs; the mailbox shows itself in development only."""

from app.privacy.erasing import erase_due
from tests.accounts.confirmations.words import Letters
from tests.house import Urls, open_test_house

ANN = "ann@example.org"


async def test_mails_and_proofs_of_somebody_forgotten_are_gone(letters: Letters) -> None:
    house = letters.house
    await letters.member(ANN)
    await letters.done("requestPasswordReset", email=ANN)
    token = (await letters.last("RESET_PASSWORD", ANN))["token"]
    staff = await house.staff(shop=letters.shop)
    found = (await house.ask("CustomerByEmail", token=staff, email=ANN)).data["customer"]
    (await house.ask("RequestAnonymization", token=staff, customerId=found["id"])).payload("requestAnonymization")

    assert await erase_due(house.patron.store) == 1

    assert (await house.count("outgoing_mails"), await house.count("proofs")) == (0, 0)
    given = {"token": token, "password": "a new password 1", "passwordConfirmation": "a new password 1"}
    assert await letters.refused("resetPassword", **given) == [("TOKEN_INVALID", ["token"])]


async def test_the_mailbox_is_a_page_without_scripts_or_other_hosts(letters: Letters) -> None:
    await letters.register(ANN)
    [mail] = await letters.mails()

    index = await letters.house.client.get("/dev/mail")
    page = await letters.house.client.get(f"/dev/mail/{mail['id']}")
    json = await letters.house.client.get(f"/dev/mail/{mail['id']}", headers={"accept": "application/json"})

    assert f'href="/dev/mail/{mail["id"]}"' in index.text
    assert mail["values"]["code"] in page.text
    assert json.json() == mail
    for answer in (index, page):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "<script" not in answer.text
    missing = await letters.house.client.get("/dev/mail/00000000-0000-7000-8000-000000000000")
    assert missing.status_code == 404


async def test_there_is_no_mailbox_in_production(sqlite_urls: Urls) -> None:
    async with open_test_house(sqlite_urls, env="production") as house:
        answers = [
            await house.client.get(path, headers={"accept": accept})
            for path in ("/dev/mail", "/dev/mail/00000000-0000-7000-8000-000000000000")
            for accept in ("text/html", "application/json")
        ]

    assert [answer.status_code for answer in answers] == [404] * 4
