"""Tests of the newsletter: consent, one-click unsubscription, and edits that omit it."""

from typing import Any

import httpx
from sqlmodel import select

from app.customers.newsletter import UnsubscribeLinks
from app.identity.sessions.tables import LoginSession
from app.platform.mail.delivery import MailTransport, deliver_due
from app.platform.mail.smtp import MailServer
from app.platform.mail.tables import OutgoingMail
from app.privacy.erasure import erase_due
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


async def test_a_second_click_is_answered_like_the_first_and_changes_nothing(shop: Shop) -> None:
    await shop.register("ann@example.org", newsletter=True)
    url = await _url(shop)
    first = await _post(shop, url)
    before = await shop.counts()

    again = await _post(shop, url)

    assert again.text == first.text
    assert await shop.counts() == before


async def test_a_link_that_was_tampered_with_does_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    url = await _url(shop)
    path = url.split("?")[0]

    for wrong in (url[:-6] + "AAAAAA", path, f"{path}?token=nl_%3Cscript%3E", f"{path}?token={'A' * 500}"):
        answers = [await shop.client.get(wrong), await _post(shop, wrong)]
        assert [one.status_code for one in answers] == [400, 400]
        assert "script" not in answers[0].text
    assert (await _me(shop, ann))["newsletter"] is True


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

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (await _post(shop, mail["List-Unsubscribe"].strip("<>"))).status_code == 200
    assert (await _me(shop, ann))["newsletter"] is False


async def test_the_link_of_an_erased_customer_still_answers(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", newsletter=True)
    url = await _url(shop)
    await shop.ask("RequestAnonymization", token=await shop.staff(), customerId=ann.id)
    await erase_due(shop.runtime.store)

    assert (await _post(shop, url)).status_code == 200
