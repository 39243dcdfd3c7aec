"""Tests of the newsletter: consent, one-click unsubscription, and edits that omit it."""

from typing import Any

import httpx
import pytest
from sqlmodel import select

from app.customers.newsletter import UnsubscribeLinks
from app.identity.sessions.tables import LoginSession
from app.platform.mail.delivery import MailTransport, deliver_due
from app.platform.mail.smtp import MailServer
from app.platform.mail.tables import OutgoingMail
from app.platform.principal import Scope
from app.privacy.erasure import erase_due
from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.platform.mail.server import open_smtp_server
from tests.shop import Answer, Person, Shop

ME = "{ me { newsletter newsletterConsentedAt version } }"
UNSUBSCRIBE = """mutation ($token: String!) { unsubscribeNewsletter(input: { token: $token }) {
    userErrors { code field } } }"""


async def _me(shop: Shop, person: Person) -> Any:
    return (await shop.ask(ME, token=person.token)).data["me"]


async def _update(shop: Shop, person: Person, **fields: Any) -> None:
    (await shop.ask("UpdateCustomer", token=person.token, input=fields)).payload("updateCustomer")


async def _url(shop: Shop) -> str:
    """The unsubscribe link of the only customer who is logged in."""
    async with shop.runtime.store.database.transaction() as session:
        customer_id = (await session.exec(select(LoginSession.customer_id).distinct())).one()
    assert customer_id is not None
    return shop.runtime.services.get(UnsubscribeLinks).url(customer_id)


async def _post(shop: Shop, url: str) -> httpx.Response:
    return await shop.client.post(url, data={"List-Unsubscribe": "One-Click"})


async def test_the_time_of_a_consent_is_kept_and_an_edit_that_omits_it_changes_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    consented = await _me(shop, ann)
    assert consented["newsletter"] is True
    assert consented["newsletterConsentedAt"].endswith("Z")

    await _update(shop, ann, firstName="Ann")
    await _update(shop, ann, newsletter=True)

    assert await _me(shop, ann) == {**consented, "version": 2}


async def test_a_consent_is_given_and_taken_back_in_the_profile(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    assert await _me(shop, ann) == {"newsletter": False, "newsletterConsentedAt": None, "version": 1}

    await _update(shop, ann, newsletter=True)
    given = await _me(shop, ann)
    await _update(shop, ann, newsletter=False)

    assert given["newsletterConsentedAt"]
    assert await _me(shop, ann) == {**given, "newsletter": False, "version": 3}
    async with shop.runtime.store.database.transaction() as session:
        assert set(await session.exec(select(OutgoingMail.template))) == {"VERIFY_EMAIL", "NEWSLETTER_WELCOME"}


@pytest.mark.alone("looks at the only subscriber")
async def test_opening_the_link_only_asks_and_the_button_ends_the_newsletter(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    url, before = await _url(shop), await shop.counts()

    page = await shop.client.get(url, headers={"accept-language": "de-CH,de;q=0.9"})

    assert page.status_code == 200
    assert '<form method="post"' in page.text
    assert "Abbestellen" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert await shop.counts() == before
    assert (await _me(shop, ann))["newsletter"] is True

    done = await _post(shop, url)

    assert (done.status_code, "any more" in done.text) == (200, True)
    assert (await _me(shop, ann))["newsletter"] is False
    assert (await shop.audit())[-1] == "customer.newsletter_ended"


@pytest.mark.alone("looks at the only subscriber")
async def test_a_second_click_is_answered_like_the_first_and_changes_nothing(shop: Shop) -> None:
    await shop.register("ann@example.org", newsletter=True)
    url = await _url(shop)
    first = await _post(shop, url)
    before = await shop.counts()

    again = await _post(shop, url)

    assert again.text == first.text
    assert await shop.counts() == before


async def test_a_storefront_with_a_wrong_token_is_answered_in_the_person_s_language(shop: Shop) -> None:
    document = """mutation { unsubscribeNewsletter(input: { token: "nl_wrong" }) {
        userErrors { code field message } } }"""

    answer = await shop.post({"query": document}, **{"accept-language": "de-CH", "x-api-key": shop.organization.key})

    assert answer.data["unsubscribeNewsletter"]["userErrors"] == [
        {
            "code": "TOKEN_INVALID",
            "field": ["token"],
            "message": "Dieser Link ist nicht gültig. Öffnen Sie ihn erneut aus der E-Mail.",
        }
    ]


@pytest.mark.alone("looks at the only subscriber")
async def test_a_link_that_was_tampered_with_does_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    url = await _url(shop)
    path = url.split("?")[0]

    for wrong in (url[:-6] + "AAAAAA", path, f"{path}?token=nl_%3Cscript%3E", f"{path}?token={'A' * 500}"):
        answers = [await shop.client.get(wrong), await _post(shop, wrong)]
        assert [one.status_code for one in answers] == [400, 400]
        assert "script" not in answers[0].text
    assert (await _me(shop, ann))["newsletter"] is True


@pytest.mark.alone("looks at the only subscriber")
async def test_a_storefront_ends_the_newsletter_with_the_token_of_the_link(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    token = (await _url(shop)).partition("token=")[2]

    other = await shop.create_organization("other")

    async def send(sent: str, key: str) -> Answer:
        return await shop.post({"query": UNSUBSCRIBE, "variables": {"token": sent}}, **{"x-api-key": key})

    refused = await send("nl_nonsense", shop.organization.key)
    assert refused.refusals("unsubscribeNewsletter") == [("TOKEN_INVALID", ["token"])]
    (await send(token, other.key)).payload("unsubscribeNewsletter")
    assert (await _me(shop, ann))["newsletter"] is True

    (await send(token, shop.organization.key)).payload("unsubscribeNewsletter")
    assert (await _me(shop, ann))["newsletter"] is False


async def test_mail_programs_learn_how_to_unsubscribe_with_one_click(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)

    with open_smtp_server() as smtp_server:
        transport = MailTransport(
            MailServer.parse(smtp_server.url), sender="no-reply@patron.test", fallback_url="http://patron.test"
        )
        await deliver_due(shop.runtime.store, transport)
    (mail,) = [one for one in smtp_server.to("ann@example.org") if one["List-Unsubscribe"]]
    (line,) = [
        line for one in smtp_server.contents for line in one.splitlines() if line.startswith(b"List-Unsubscribe:")
    ]

    assert line.decode() == f"List-Unsubscribe: {mail['List-Unsubscribe']}"
    assert len(line) > 78
    assert b"=?" not in line

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (await _post(shop, mail["List-Unsubscribe"].strip("<>"))).status_code == 200
    assert (await _me(shop, ann))["newsletter"] is False


@pytest.mark.alone("looks at the only subscriber")
async def test_the_link_of_an_erased_customer_still_answers(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    url = await _url(shop)
    await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=ann.id)
    await erase_due(shop.runtime.store)

    assert (await _post(shop, url)).status_code == 200


WELCOME = "NEWSLETTER_WELCOME"
UPSERT = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) {
    customer { id newsletter newsletterConsentedAt } userErrors { code field } } }"""


async def _storefront(shop: Shop) -> Storefront:
    return Storefront(shop, await shop.create_organization("careful", require_verified_email=True))


async def _welcomed(browser: Storefront) -> list[str]:
    return [to for kind, to in await browser.mail_kinds() if kind == WELCOME]


@pytest.mark.parametrize("way", ["link", "code", "other browser", "reset"])
async def test_who_registered_for_the_newsletter_is_welcomed_once_the_address_is_proven(shop: Shop, way: str) -> None:
    browser = await _storefront(shop)
    for name in ("ann", "bob"):
        (await browser.register(f"{name}@example.org", newsletter=True)).payload("register")
    (await browser.register("cid@example.org")).payload("register")
    mailed = {name: await browser.mail_values("VERIFY_EMAIL", f"{name}@example.org") for name in ("ann", "cid")}
    assert await _welcomed(browser) == []

    await browser.succeed("verifyEmail", token=mailed["cid"]["token"])
    if way == "reset":
        await browser.succeed("requestPasswordReset", email="ann@example.org")
        token = (await browser.mail_values("RESET_PASSWORD", "ann@example.org"))["token"]
        new = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
        await browser.succeed("resetPassword", token=token, **new)
    elif way == "code":
        await browser.succeed("verifyEmail", email="ann@example.org", code=mailed["ann"]["code"])
    else:
        for _ in range(2):  # The second click changes nothing.
            device = browser if way == "link" else browser.elsewhere()
            await device.succeed("verifyEmail", token=mailed["ann"]["token"])

    assert await _welcomed(browser) == ["ann@example.org"]
    token = (await browser.mail_values(WELCOME, "ann@example.org"))["token"]
    sent = {"query": UNSUBSCRIBE, "variables": {"token": token}}
    unsubscribed = await shop.post(sent, **{"x-api-key": browser.organization.key})
    unsubscribed.payload("unsubscribeNewsletter")
    assert (await shop.audit())[-1] == "customer.newsletter_ended"


async def test_an_upsert_keeps_the_time_of_a_consent_and_welcomes_once(shop: Shop) -> None:
    browser, token = Storefront(shop, shop.organization), await shop.integration()

    async def upsert(**fields: Any) -> Any:
        return (await shop.ask(UPSERT, token=token, input=fields)).payload("upsertCustomer")["customer"]

    created = await upsert(email="gus@example.org", newsletter=True)
    again = await upsert(email="gus@example.org", newsletter=True, firstName="Gus")
    bystander = await upsert(email="bob@example.org")
    assert (created["newsletter"], bystander["newsletter"]) == (True, False)
    assert created["newsletterConsentedAt"].endswith("Z")
    assert again == created
    assert bystander["newsletterConsentedAt"] is None
    assert await _welcomed(browser) == ["gus@example.org"]

    ended = await upsert(email="gus@example.org", newsletter=False)
    assert ended["newsletterConsentedAt"] == created["newsletterConsentedAt"]
    renewed = await upsert(email="gus@example.org", newsletter=True)

    assert renewed["newsletterConsentedAt"] > created["newsletterConsentedAt"]
    assert await _welcomed(browser) == ["gus@example.org", "gus@example.org"]


async def test_a_refused_upsert_welcomes_nobody(shop: Shop) -> None:
    token, before = await shop.integration(), await shop.counts()

    refused = await shop.ask(UPSERT, token=token, input={"email": "gus@example.org", "newsletter": True, "phone": "1"})

    assert refused.refusals("upsertCustomer") == [("TOO_SHORT", ["phone"])]
    assert await shop.counts() == before


LINKS = "query { customers { nodes { email newsletterUnsubscribeUrl } } }"
OWN_LINK = "{ me { email newsletterUnsubscribeUrl } }"


@pytest.mark.alone("looks at the only subscriber")
async def test_a_shop_gets_the_link_of_each_customer_for_its_own_newsletters(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    await shop.register("bob@example.org", newsletter=True)

    nodes = (await shop.ask(LINKS, token=await shop.integration(Scope.CUSTOMERS_READ))).data["customers"]["nodes"]
    urls = {one["email"]: one["newsletterUnsubscribeUrl"] for one in nodes}
    assert (await _post(shop, urls["bob@example.org"])).status_code == 200

    assert urls["ann@example.org"].startswith("http://patron.test/newsletter/unsubscribe?token=nl_")
    listed = "{ customers { nodes { email newsletter } } }"
    after = (await shop.ask(listed, token=await shop.staff())).data["customers"]["nodes"]
    assert {one["email"]: one["newsletter"] for one in after} == {"ann@example.org": True, "bob@example.org": False}
    assert (await shop.ask(OWN_LINK, token=ann.token)).codes == ["FORBIDDEN"]
    assert (await shop.ask(OWN_LINK)).codes == ["UNAUTHENTICATED"]
