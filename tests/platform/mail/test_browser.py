"""The development mailbox in a browser: every flow that needs a mail works without a mail server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from tests.accounts.confirmations.storefront import DOCUMENTS, NEW_PASSWORD
from tests.platform.mail.server import open_smtp_server, text
from tests.server.graphiql.browser import CHROMIUM, BrowserLog, chromium
from tests.server.process.server import Server, run_cli, serving
from tests.shop import CONTRACT, PASSWORD

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH to open the page with")
REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) {
    nextStep registrationToken userErrors { code } } }"""
ANN, EVE = "ann@example.org", "eve@example.org"


class Storefront:
    """The storefront of a new organization that requires verified addresses."""

    def __init__(self, server: Server) -> None:
        done = run_cli(server.var, "organizations", "create", "careful", "--name", "Careful")
        assert done.returncode == 0, done.stderr
        self.url = f"{server.url}/graphql"
        self.key = next(word for word in done.stdout.split() if word.startswith("pk_"))

    def ask(self, document: str, bearer: str | None = None, **variables: Any) -> Any:
        """The payload of the document's only mutation."""
        headers = {"x-api-key": self.key} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
        body = {"query": document, "variables": variables}
        [payload] = httpx.post(self.url, json=body, headers=headers, timeout=60).json()["data"].values()
        return payload

    def do(self, name: str, bearer: str | None = None, **given: Any) -> None:
        """Send a mutation with this input and expect success."""
        assert self.ask(DOCUMENTS[name], bearer, input=given) == {"userErrors": []}

    def login(self, password: str, email: str = ANN) -> str | None:
        """An access token, or None."""
        tokens = self.ask(CONTRACT["Login"], identifier=email, password=password)["tokens"]
        return tokens and str(tokens["accessToken"])

    def email(self, token: str) -> str | None:
        """The address of the logged-in customer; None when the session has ended."""
        body = {"query": "{ me { email } }"}
        headers = {"x-api-key": self.key, "authorization": f"Bearer {token}"}
        answer = httpx.post(self.url, json=body, headers=headers, timeout=60)
        return str(answer.json()["data"]["me"]["email"]) if answer.status_code == httpx.codes.OK else None


@contextmanager
def mailbox(url: str) -> Iterator[Page]:
    """The mailbox in a browser; afterwards assert no console errors and no requests to other hosts."""
    log = BrowserLog()
    with chromium() as browser:
        page = browser.new_page()
        log.watch(page)
        page.goto(f"{url}/dev/mail")
        yield page
    assert log.requests
    assert log.foreign_requests(url) == []
    assert log.complaints == []


def followed(page: Page, url: str, to: str, subject: str) -> str:
    """The token of the link in the newest mail with this subject to this address."""
    page.goto(f"{url}/dev/mail")
    page.locator("tr", has_text=to).get_by_role("link", name=subject).first.click()
    link = page.frame_locator("iframe").get_by_role("link").first.get_attribute("href")
    return parse_qs(urlsplit(str(link)).query)["token"][0]


def test_all_that_needs_a_mail_can_be_done_with_the_mailbox_in_a_browser(tmp_path: Path) -> None:
    with serving(tmp_path / "var") as server, mailbox(server.url) as page:
        storefront, url = Storefront(server), server.url
        secrets = {"password": PASSWORD, "passwordConfirmation": PASSWORD}
        registered = storefront.ask(REGISTER, input={"email": ANN, **secrets})
        assert registered["nextStep"] == "VERIFY_EMAIL"
        assert storefront.login(PASSWORD) is None
        token = followed(page, url, ANN, "Confirm your email address")
        storefront.do("verifyEmail", token=token, registrationToken=registered["registrationToken"])
        before = storefront.login(PASSWORD)
        assert before

        storefront.do("requestPasswordReset", email=ANN)
        new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
        storefront.do("resetPassword", token=followed(page, url, ANN, "Choose a new password"), **new)
        assert storefront.email(before) is None
        thief = storefront.login(NEW_PASSWORD)
        assert thief

        storefront.do("requestEmailChange", thief, newEmail=EVE, password=NEW_PASSWORD)
        storefront.do("confirmEmailChange", token=followed(page, url, EVE, "Confirm your new email address"))
        assert storefront.email(thief) == EVE
        storefront.do("undoEmailChange", token=followed(page, url, ANN, "Your email address at Careful was changed"))
        assert storefront.email(thief) is None
        # Whoever moved the account knew the password.
        assert storefront.login(NEW_PASSWORD) is None
        storefront.do("requestPasswordReset", email=ANN)
        storefront.do("resetPassword", token=followed(page, url, ANN, "Choose a new password"), **secrets)
        back = storefront.login(PASSWORD)
        assert back
        assert storefront.email(back) == ANN


def test_a_server_with_a_mail_server_delivers_by_itself(tmp_path: Path) -> None:
    with open_smtp_server() as smtp_server, serving(tmp_path / "var", smtp_url=smtp_server.url) as server:
        server.register(ANN)

        [mail] = smtp_server.wait_for(ANN)

    assert "Confirm your email address" in str(mail["Subject"])
    assert f"{server.url}/verify-email?shop=demo&token=ve_" in text(mail)
