"""The newsletter: consent kept, left with one click, never changed by accident."""

from typing import Any

import httpx
from sqlmodel import select

from app.customers.newsletter import UnsubscribeLinks
from app.identity.sessions.tables import Session
from app.platform.mail.delivery import Post, deliver_due
from app.platform.mail.smtp import MailServer
from app.platform.mail.tables import OutgoingMail
from app.privacy.erasing import erase_due
from tests.house import Answer, House, Person
from tests.platform.mail.server import post_office

ME = "{ me { newsletter newsletterConsentedAt version } }"
UNSUBSCRIBE = """mutation ($token: String!) { unsubscribeNewsletter(input: { token: $token }) {
    userErrors { code field } } }"""


async def _me(house: House, person: Person) -> Any:
    return (await house.ask(ME, token=person.token)).data["me"]


async def _update(house: House, person: Person, **fields: Any) -> None:
    (await house.ask("UpdateCustomer", token=person.token, input=fields)).payload("updateCustomer")


async def _url(house: House) -> str:
    """The link in the newsletters of the only customer who is logged in."""
    async with house.patron.store.database.transaction() as session:
        customer_id = (await session.exec(select(Session.customer_id).distinct())).one()
    assert customer_id is not None
    return house.patron.services.get(UnsubscribeLinks).url(customer_id)


async def _post(house: House, url: str) -> httpx.Response:
    return await house.client.post(url, data={"List-Unsubscribe": "One-Click"})


async def test_the_time_of_a_consent_is_kept_and_an_edit_that_omits_it_changes_nothing(house: House) -> None:
    ann = await house.register("ann@example.org", newsletter=True)
    consented = await _me(house, ann)
    assert consented["newsletter"] is True
    assert consented["newsletterConsentedAt"].endswith("Z")

    await _update(house, ann, firstName="Ann")
    await _update(house, ann, newsletter=True)

    assert await _me(house, ann) == {**consented, "version": 2}


async def test_a_consent_is_given_and_taken_back_in_the_profile(house: House) -> None:
    ann = await house.register("ann@example.org")
    assert await _me(house, ann) == {"newsletter": False, "newsletterConsentedAt": None, "version": 1}

    await _update(house, ann, newsletter=True)
    given = await _me(house, ann)
    await _update(house, ann, newsletter=False)

    assert given["newsletterConsentedAt"]
    assert await _me(house, ann) == {**given, "newsletter": False, "version": 3}
    async with house.patron.store.database.transaction() as session:
        assert set(await session.exec(select(OutgoingMail.template))) == {"VERIFY_EMAIL", "NEWSLETTER_WELCOME"}


async def test_opening_the_link_only_asks_and_the_button_ends_the_newsletter(house: House) -> None:
    ann = await house.register("ann@example.org", newsletter=True)
    url, before = await _url(house), await house.counts()

    page = await house.client.get(url, headers={"accept-language": "de-CH,de;q=0.9"})

    assert page.status_code == 200
    assert '<form method="post"' in page.text
    assert "Abbestellen" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert await house.counts() == before
    assert (await _me(house, ann))["newsletter"] is True

    done = await _post(house, url)

    assert (done.status_code, "any more" in done.text) == (200, True)
    assert (await _me(house, ann))["newsletter"] is False
    assert (await house.audit())[-1] == "customer.newsletter_ended"


async def test_a_second_click_is_answered_like_the_first_and_changes_nothing(house: House) -> None:
    await house.register("ann@example.org", newsletter=True)
    url = await _url(house)
    first = await _post(house, url)
    before = await house.counts()

    again = await _post(house, url)

    assert again.text == first.text
    assert await house.counts() == before


async def test_a_link_that_was_tampered_with_does_nothing(house: House) -> None:
    ann = await house.register("ann@example.org", newsletter=True)
    url = await _url(house)
    path = url.split("?")[0]

    for wrong in (url[:-6] + "AAAAAA", path, f"{path}?token=nl_%3Cscript%3E", f"{path}?token={'A' * 500}"):
        answers = [await house.client.get(wrong), await _post(house, wrong)]
        assert [one.status_code for one in answers] == [400, 400]
        assert "script" not in answers[0].text
    assert (await _me(house, ann))["newsletter"] is True


async def test_a_storefront_ends_the_newsletter_with_the_token_of_the_link(house: House) -> None:
    ann = await house.register("ann@example.org", newsletter=True)
    token = (await _url(house)).partition("token=")[2]

    other = await house.open_shop("other")

    async def send(sent: str, key: str) -> Answer:
        return await house.post({"query": UNSUBSCRIBE, "variables": {"token": sent}}, **{"x-api-key": key})

    refused = await send("nl_nonsense", house.shop.key)
    assert refused.refusals("unsubscribeNewsletter") == [("TOKEN_INVALID", ["token"])]
    (await send(token, other.key)).payload("unsubscribeNewsletter")
    assert (await _me(house, ann))["newsletter"] is True

    (await send(token, house.shop.key)).payload("unsubscribeNewsletter")
    assert (await _me(house, ann))["newsletter"] is False


async def test_mail_programs_are_told_how_to_unsubscribe_with_one_click(house: House) -> None:
    ann = await house.register("ann@example.org", newsletter=True)

    with post_office() as office:
        post = Post(MailServer.parse(office.url), sender="no-reply@patron.test", fallback_url="http://patron.test")
        await deliver_due(house.patron.store, post)
    (mail,) = [one for one in office.to("ann@example.org") if one["List-Unsubscribe"]]

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (await _post(house, mail["List-Unsubscribe"].strip("<>"))).status_code == 200
    assert (await _me(house, ann))["newsletter"] is False


async def test_the_link_of_somebody_who_was_forgotten_still_answers(house: House) -> None:
    ann = await house.register("ann@example.org", newsletter=True)
    url = await _url(house)
    await house.ask("RequestAnonymization", token=await house.staff(), customerId=ann.id)
    await erase_due(house.patron.store)

    assert (await _post(house, url)).status_code == 200
