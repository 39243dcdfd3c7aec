"""Tests of all mailed flows through an SMTP server: verification, password reset, email change and its undo."""

import re
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from app.platform.mail.delivery import MailTransport, deliver_due
from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.platform.mail.server import SmtpServer, open_smtp_server, text
from tests.shop import Shop, Urls, open_shop

STOREFRONT = "https://shop.example.org"


async def deliver_and_read(shop: Shop, smtp_server: SmtpServer, to: str) -> EmailMessage:
    """Deliver due mails and return the newest one to an address."""
    await deliver_due(shop.runtime.store, shop.runtime.services.get(MailTransport))
    return smtp_server.to(to)[-1]


def token_in(mail: EmailMessage, page: str) -> str:
    """The token in a mail's link to this page of the storefront."""
    [link] = re.findall(r"https://\S+", text(mail))
    parts = urlsplit(str(link))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{STOREFRONT}/{page}"
    token: str = parse_qs(parts.query)["token"][0]
    return token


async def test_every_link_in_a_mail_does_what_it_says(urls: Urls) -> None:
    with open_smtp_server() as smtp_server:
        async with open_shop(urls, smtp_url=SecretStr(smtp_server.url)) as shop:
            organization = await shop.create_organization(
                "careful", require_verified_email=True, storefront_url=STOREFRONT
            )
            storefront = Storefront(shop, organization)

            registered = (await storefront.register("ann@example.org", locale="fr-CH")).payload("register")
            assert (registered["nextStep"], registered["customer"]) == ("VERIFY_EMAIL", None)
            assert (await storefront.login("ann@example.org")).refusals("login") == [("INVALID_CREDENTIALS", None)]
            mail = await deliver_and_read(shop, smtp_server, "ann@example.org")
            assert mail["Subject"] == "Confirmez votre adresse e-mail pour Careful"
            await storefront.succeed("verifyEmail", token=token_in(mail, "verify-email"))
            before = await storefront.token("ann@example.org")

            await storefront.succeed("requestPasswordReset", email="ANN@example.org")
            token = token_in(await deliver_and_read(shop, smtp_server, "ann@example.org"), "reset-password")
            given = {"token": token, "password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
            await storefront.succeed("resetPassword", **given)
            assert (await storefront.me(before)).status == 401
            thief = await storefront.token("ann@example.org", NEW_PASSWORD)

            await storefront.succeed(
                "requestEmailChange", bearer=thief, newEmail="eve@example.org", password=NEW_PASSWORD
            )
            assert (await storefront.me(thief)).data["me"]["email"] == "ann@example.org"
            mail = await deliver_and_read(shop, smtp_server, "eve@example.org")
            await storefront.succeed("confirmEmailChange", token=token_in(mail, "confirm-email-change"))
            assert (await storefront.me(thief)).data["me"]["email"] == "eve@example.org"

            mail = await deliver_and_read(shop, smtp_server, "ann@example.org")
            assert "eve@example.org" in text(mail)
            await storefront.succeed("undoEmailChange", token=token_in(mail, "undo-email-change"))
            assert (await storefront.me(thief)).status == 401
            assert (await storefront.login("eve@example.org", NEW_PASSWORD)).refusals("login") == [
                ("INVALID_CREDENTIALS", None)
            ]
            token = token_in(await deliver_and_read(shop, smtp_server, "ann@example.org"), "reset-password")
            await storefront.succeed("resetPassword", **{**given, "token": token})
            me = (await storefront.me(await storefront.token("ann@example.org", NEW_PASSWORD))).data["me"]
            assert (me["email"], me["locale"]) == ("ann@example.org", "fr-CH")
