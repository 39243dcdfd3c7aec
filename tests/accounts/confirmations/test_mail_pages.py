"""The plain pages behind the links of mails, where an organization has no storefront address."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.shop import PASSWORD, Shop

NEW_PASSWORD = "a slow yellow tricycle"
PAGES = ["verify-email", "reset-password", "confirm-email-change", "undo-email-change", "unsubscribe"]
RESET = "mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { userErrors { code } } }"
CHANGE = "mutation ($input: RequestEmailChangeInput!) { requestEmailChange(input: $input) { userErrors { code } } }"


async def links(shop: Shop, template: str) -> list[str]:
    """The links of the mails of a kind, newest first."""
    answer = await shop.client.get("/dev/mail", headers={"accept": "application/json"})
    return [mail["link"] for mail in answer.json()["mails"] if mail["template"] == template]


def form(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """Where the page's form goes, and its hidden fields."""
    action = re.search(r'<form method="post" action="([^"]+)">', page.text)
    assert action is not None, page.text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    return action[1], {name: unescape(value) for name, value in hidden}


async def submit(shop: Shop, link: str, **fields: str) -> httpx.Response:
    """Open the link and send its form."""
    page = await shop.client.get(link)
    assert page.status_code == 200, page.text
    action, hidden = form(page)
    return await shop.client.post(action, data={**hidden, **fields})


async def login(shop: Shop, email: str, password: str, **where: Any) -> list[tuple[str, list[str] | None]]:
    answer = await shop.ask("Login", identifier=email, password=password, **where)
    return answer.refusals("login")


async def test_a_link_changes_nothing_until_its_form_is_sent(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    bob = await shop.register("bob@example.org")
    for email in (ann.email, bob.email):
        await shop.ask(RESET, input={"email": email})
    link = (await links(shop, "RESET_PASSWORD"))[1]
    before = await shop.counts()

    first, second = await shop.client.get(link), await shop.client.get(link)
    assert first.text == second.text
    assert await shop.counts() == before
    assert await login(shop, ann.email, PASSWORD) == []
    mismatch = await submit(shop, link, password=NEW_PASSWORD, confirmation="another")
    done = await submit(shop, link, password=NEW_PASSWORD, confirmation=NEW_PASSWORD)

    assert mismatch.status_code == 400
    assert form(mismatch)[1]["token"] == dict(parse_qsl(urlsplit(link).query))["token"]
    assert (done.status_code, "Your password is set." in done.text) == (200, True)
    assert await login(shop, ann.email, NEW_PASSWORD) == []
    assert await login(shop, bob.email, PASSWORD) == []


async def test_an_address_is_proven_in_the_organization_of_the_mail(shop: Shop) -> None:
    second = await shop.create_organization("second", require_verified_email=True)
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    (await shop.ask("Register", organization=second, input=account)).payload("register")
    (link,) = await links(shop, "VERIFY_EMAIL")

    page = await submit(shop, link)
    chosen = await shop.client.post(
        form(page)[0], data={**form(page)[1], "password": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    )

    assert dict(parse_qsl(urlsplit(link).query))["shop"] == "second"
    # Another browser than the one that registered: what was typed there does not count.
    assert "Your email address is confirmed." in page.text
    assert form(page)[0] == "/reset-password"
    assert (chosen.status_code, "Your password is set." in chosen.text) == (200, True)
    assert await login(shop, "ann@example.org", NEW_PASSWORD, organization=second) == []


async def test_a_newsletter_ends_and_an_email_change_is_confirmed_and_undone(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    bob = await shop.register("bob@example.org", newsletter=True)
    change = {"newEmail": "anna@example.org", "password": PASSWORD}
    (await shop.ask(CHANGE, token=ann.token, input=change)).payload("requestEmailChange")

    confirmed = await submit(shop, (await links(shop, "CONFIRM_NEW_EMAIL"))[0])
    ended = await submit(shop, (await links(shop, "NEWSLETTER_WELCOME"))[1])

    assert (confirmed.status_code, ended.status_code) == (200, 200)
    assert await login(shop, "anna@example.org", PASSWORD) == []
    newsletter = "{ me { newsletter } }"
    assert (await shop.ask(newsletter, token=bob.token)).data["me"] == {"newsletter": True}


@pytest.mark.parametrize("name", PAGES)
async def test_every_page_says_what_it_does_and_refuses_what_is_no_link(shop: Shop, name: str) -> None:
    before = await shop.counts()

    page = await shop.client.get(f"/{name}?token=%22%3E%3Cscript%3E", headers={"accept-language": "de-CH, en;q=0.5"})
    without = await shop.client.get(f"/{name}")
    elsewhere = await shop.client.get(f"/{name}?token=x&shop=nobody")
    refused = await shop.client.post(f"/{name}", data={"token": "no-such-token", "password": "x", "confirmation": "x"})
    large = await shop.client.post(f"/{name}", data={"token": "x" * 20_000})

    assert page.status_code == 200
    assert '<html lang="de">' in page.text
    assert "<script>" not in page.text
    assert "default-src 'none'; img-src data:" in page.headers["content-security-policy"]
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert (without.status_code, elsewhere.status_code) == (400, 400)
    assert 'class="error"' in refused.text or name == "unsubscribe"
    assert large.status_code == 413
    unchanged = await shop.counts()
    assert {**unchanged, "audit_events": 0, "guess_counters": 0} == {**before, "audit_events": 0, "guess_counters": 0}


async def test_the_mailbox_shows_the_link_outside_of_the_frame(shop: Shop) -> None:
    await shop.register("ann@example.org")
    await shop.ask(RESET, input={"email": "ann@example.org"})
    answer = await shop.client.get("/dev/mail", headers={"accept": "application/json"})
    mail = next(one for one in answer.json()["mails"] if one["template"] == "RESET_PASSWORD")

    page = await shop.client.get(f"/dev/mail/{mail['id']}")

    assert f'<a href="{mail["link"].replace("&", "&amp;")}"' in page.text.partition("<iframe")[0]


async def test_an_organization_with_a_storefront_gets_its_own_links(shop: Shop) -> None:
    second = await shop.create_organization("second", storefront_url="https://shop.example.org/")
    await shop.register("ann@example.org", organization=second)
    await shop.ask(RESET, organization=second, input={"email": "ann@example.org"})

    (link,) = await links(shop, "RESET_PASSWORD")

    assert link.startswith("https://shop.example.org/reset-password?token=")
