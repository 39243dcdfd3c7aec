"""A developer without a mail server: whatever a mail is needed for is found in the mailbox, with a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from tests.accounts.confirmations.words import DOCUMENTS, NEW_PASSWORD
from tests.house import CONTRACT, PASSWORD
from tests.platform.mail.server import post_office, text
from tests.server.graphiql.browser import CHROMIUM, Noticed, chromium
from tests.server.process.server import Server, patron, serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH to open the page with")
ANN, EVE = "ann@example.org", "eve@example.org"


class Storefront:
    """A storefront of a new organization, which wants addresses proven."""

    def __init__(self, server: Server) -> None:
        done = patron(server.var, "organizations", "create", "careful", "--name", "Careful")
        assert done.returncode == 0, done.stderr
        self.url = f"{server.url}/graphql"
        self.key = next(word for word in done.stdout.split() if word.startswith("pk_"))

    def ask(self, document: str, bearer: str | None = None, **variables: Any) -> Any:
        """The payload of the one mutation in the document."""
        headers = {"x-api-key": self.key} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
        body = {"query": document, "variables": variables}
        [payload] = httpx.post(self.url, json=body, headers=headers, timeout=60).json()["data"].values()
        return payload

    def do(self, name: str, bearer: str | None = None, **given: Any) -> None:
        """Send a mutation with this input; it is carried out."""
        assert self.ask(DOCUMENTS[name], bearer, input=given) == {"userErrors": []}

    def login(self, password: str, email: str = ANN) -> str | None:
        """An access token, or None."""
        tokens = self.ask(CONTRACT["Login"], identifier=email, password=password)["tokens"]
        return tokens and str(tokens["accessToken"])

    def email(self, token: str) -> str | None:
        """The address of who is logged in; None when the session has ended."""
        body = {"query": "{ me { email } }"}
        headers = {"x-api-key": self.key, "authorization": f"Bearer {token}"}
        answer = httpx.post(self.url, json=body, headers=headers, timeout=60)
        return str(answer.json()["data"]["me"]["email"]) if answer.status_code == httpx.codes.OK else None


@contextmanager
def mailbox(url: str) -> Iterator[Page]:
    """The mailbox in a browser, which had no complaint afterwards and asked no other host."""
    noticed = Noticed()
    with chromium() as browser:
        page = browser.new_page()
        noticed.watch(page)
        page.goto(f"{url}/dev/mail")
        yield page
    assert noticed.requests
    assert noticed.strangers(url) == []
    assert noticed.complaints == []


def followed(page: Page, url: str, to: str, subject: str) -> str:
    """The token of the link in the newest mail with this subject to this address."""
    page.goto(f"{url}/dev/mail")
    page.locator("tr", has_text=to).get_by_role("link", name=subject).first.click()
    link = page.frame_locator("iframe").get_by_role("link").first.get_attribute("href")
    return parse_qs(urlsplit(str(link)).query)["token"][0]


def test_all_that_needs_a_mail_can_be_done_with_the_mailbox_in_a_browser(tmp_path: Path) -> None:
    with serving(tmp_path / "var") as server, mailbox(server.url) as page:
        shop, url = Storefront(server), server.url
        secrets = {"password": PASSWORD, "passwordConfirmation": PASSWORD}
        assert shop.ask(CONTRACT["Register"], input={"email": ANN, **secrets})["nextStep"] == "VERIFY_EMAIL"
        assert shop.login(PASSWORD) is None
        shop.do("verifyEmail", token=followed(page, url, ANN, "Confirm your email address"))
        before = shop.login(PASSWORD)
        assert before

        shop.do("requestPasswordReset", email=ANN)
        new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
        shop.do("resetPassword", token=followed(page, url, ANN, "Choose a new password"), **new)
        assert shop.email(before) is None
        thief = shop.login(NEW_PASSWORD)
        assert thief

        shop.do("requestEmailChange", thief, newEmail=EVE, password=NEW_PASSWORD)
        shop.do("confirmEmailChange", token=followed(page, url, EVE, "Confirm your new email address"))
        assert shop.email(thief) == EVE
        shop.do("undoEmailChange", token=followed(page, url, ANN, "Your email address at Careful was changed"))
        assert shop.email(thief) is None
        back = shop.login(NEW_PASSWORD)
        assert back
        assert shop.email(back) == ANN


def test_a_server_with_a_mail_server_delivers_by_itself(tmp_path: Path) -> None:
    with post_office() as office, serving(tmp_path / "var", smtp_url=office.url) as server:
        server.register(ANN)

        [mail] = office.wait_for(ANN)

    assert "Confirm your email address" in str(mail["Subject"])
    assert f"{server.url}/verify-email?token=ve_" in text(mail)
