"""The whole story through a real mail server: register, prove, log in; reset; change the address and take it back."""

import re
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from app.platform.mail.delivery import Post, deliver_due
from tests.accounts.confirmations.words import NEW_PASSWORD, Letters
from tests.house import House, Urls, open_test_house
from tests.platform.mail.server import PostOffice, post_office, text

STOREFRONT = "https://shop.example.org"


async def arrived(house: House, office: PostOffice, to: str) -> EmailMessage:
    """Deliver what is due; the newest mail to an address."""
    await deliver_due(house.patron.store, house.patron.services.get(Post))
    return office.to(to)[-1]


def token_in(mail: EmailMessage, page: str) -> str:
    """The token of the link in a mail, which leads to this page of the storefront."""
    [link] = re.findall(r"https://\S+", text(mail))
    parts = urlsplit(str(link))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{STOREFRONT}/{page}"
    token: str = parse_qs(parts.query)["token"][0]
    return token


async def test_every_link_in_a_mail_does_what_it_says(urls: Urls) -> None:
    with post_office() as office:
        async with open_test_house(urls, smtp_url=SecretStr(office.url)) as house:
            shop = await house.open_shop("careful", require_verified_email=True, storefront_url=STOREFRONT)
            letters = Letters(house, shop)

            registered = (await letters.register("ann@example.org", locale="fr-CH")).payload("register")
            assert (registered["nextStep"], registered["customer"]) == ("VERIFY_EMAIL", None)
            assert (await letters.login("ann@example.org")).refusals("login") == [("INVALID_CREDENTIALS", None)]
            mail = await arrived(house, office, "ann@example.org")
            assert mail["Subject"] == "Confirmez votre adresse e-mail pour Careful"
            await letters.done("verifyEmail", token=token_in(mail, "verify-email"))
            before = await letters.token("ann@example.org")

            await letters.done("requestPasswordReset", email="ANN@example.org")
            token = token_in(await arrived(house, office, "ann@example.org"), "reset-password")
            given = {"token": token, "password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
            await letters.done("resetPassword", **given)
            assert (await letters.me(before)).status == 401
            thief = await letters.token("ann@example.org", NEW_PASSWORD)

            await letters.done("requestEmailChange", bearer=thief, newEmail="eve@example.org", password=NEW_PASSWORD)
            assert (await letters.me(thief)).data["me"]["email"] == "ann@example.org"
            mail = await arrived(house, office, "eve@example.org")
            await letters.done("confirmEmailChange", token=token_in(mail, "confirm-email-change"))
            assert (await letters.me(thief)).data["me"]["email"] == "eve@example.org"

            mail = await arrived(house, office, "ann@example.org")
            assert "eve@example.org" in text(mail)
            await letters.done("undoEmailChange", token=token_in(mail, "undo-email-change"))
            assert (await letters.me(thief)).status == 401
            assert (await letters.login("eve@example.org", NEW_PASSWORD)).refusals("login") == [
                ("INVALID_CREDENTIALS", None)
            ]
            token = token_in(await arrived(house, office, "ann@example.org"), "reset-password")
            await letters.done("resetPassword", **{**given, "token": token})
            me = (await letters.me(await letters.token("ann@example.org", NEW_PASSWORD))).data["me"]
            assert (me["email"], me["locale"]) == ("ann@example.org", "fr-CH")
