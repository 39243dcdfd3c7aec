"""Registrations whose address is still to be proven: all that came with them waits, and tells nobody anything."""

from typing import Any

import pytest

from app.platform.values import text
from tests.accounts.confirmations.words import Letters
from tests.house import House

HOME = {
    "firstName": "Ann",
    "lastName": "Lee",
    "line1": "Limmatquai 1",
    "city": "Zürich",
    "postalCode": "8001",
    "country": "CH",
}
SET = "mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { userErrors { code } } }"
VERIFY = """mutation ($input: VerifyEmailInput!) {
    verifyEmail(input: $input) { warnings { code field } userErrors { code } }
}"""
ME = "{ me { loginName termsAcceptance { version } newsletterConsentedAt addresses { line1 isDefaultBilling } } }"


async def _letters(house: House, **settings: Any) -> Letters:
    shop = await house.open_shop("careful", require_verified_email=True, terms_version="3", **settings)
    return Letters(house, shop)


async def _prove(letters: Letters, email: str) -> list[tuple[str, Any]]:
    token = (await letters.last("VERIFY_EMAIL", email))["token"]
    return (await letters.do("verifyEmail", token=token)).refusals("verifyEmail")


async def test_login_name_terms_consent_and_address_are_written_once_the_address_is_proven(house: House) -> None:
    letters = await _letters(house)
    extra: dict[str, Any] = {"loginName": "archer", "acceptTerms": True, "newsletter": True, "address": HOME}
    (await letters.register("ann@example.org", **extra)).payload("register")
    assert await house.count("addresses") == 0
    assert await house.count("login_identifiers", "kind = 'LOGIN_NAME'") == 0

    assert await _prove(letters, "ann@example.org") == []

    me = (await house.ask(ME, token=await letters.token("archer"), shop=letters.shop)).data["me"]
    assert me["newsletterConsentedAt"]
    assert (me["loginName"], me["termsAcceptance"]) == ("archer", {"version": "3"})
    assert me["addresses"] == [{"line1": "Limmatquai 1", "isDefaultBilling": True}]


async def test_a_shop_that_became_strict_keeps_nobody_out_whose_address_it_took_before(house: House) -> None:
    letters = await _letters(house, address_strictness="warn")
    odd = {**HOME, "postalCode": "99"}
    (await letters.register("ann@example.org", loginName="archer", acceptTerms=True, address=odd)).payload("register")
    token = await house.integration(shop=letters.shop)
    strict = {"settings": {"addressStrictness": "STRICT"}}
    (await house.ask(SET, token=token, input=strict)).payload("updateOrganization")

    assert await _prove(letters, "ann@example.org") == []

    me = (await house.ask(ME, token=await letters.token("archer"), shop=letters.shop)).data["me"]
    assert me["addresses"] == [{"line1": "Limmatquai 1", "isDefaultBilling": True}]


async def test_an_address_that_can_be_written_no_more_keeps_nobody_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = await _letters(house)
    for email in ("ann@example.org", "bob@example.org"):
        await letters.register(email, loginName=email[:3] + "-archer", acceptTerms=True, address=HOME)
    shorter_names, no_more = ("checks.NAME", text(1, 2)), ("editing.MOST", 0)

    warnings = []
    for email, (rule, today) in {"ann@example.org": shorter_names, "bob@example.org": no_more}.items():
        with monkeypatch.context() as changed:
            changed.setattr(f"app.customers.addresses.{rule}", today)
            token = (await letters.last("VERIFY_EMAIL", email))["token"]
            answer = await house.ask(VERIFY, shop=letters.shop, input={"token": token})
        warnings.append([(one["code"], one["field"]) for one in answer.payload("verifyEmail")["warnings"]])

    assert warnings == [
        [("TOO_LONG", ["address", "firstName"]), ("TOO_LONG", ["address", "lastName"])],
        [("LIMIT_REACHED", ["address"])],
    ]
    assert await house.count("addresses") == 0
    for name in ("ann-archer", "bob-archer"):
        me = (await house.ask(ME, token=await letters.token(name), shop=letters.shop)).data["me"]
        assert (me["loginName"], me["addresses"]) == (name, [])


async def test_a_login_name_tells_nobody_whether_an_address_is_taken(house: House) -> None:
    letters = await _letters(house)
    await letters.register("owner@example.org", acceptTerms=True, loginName="archer")
    await _prove(letters, "owner@example.org")

    taken = await letters.register("owner@example.org", acceptTerms=True, loginName="fletcher")
    free = await letters.register("free@example.org", acceptTerms=True, loginName="bowyer")
    assert taken.body == free.body

    after_taken = await letters.register("me@example.org", acceptTerms=True, loginName="fletcher")
    after_free = await letters.register("me@example.org", acceptTerms=True, loginName="bowyer")
    assert after_taken.body == after_free.body == taken.body
    refused = await letters.register("other@example.org", acceptTerms=True, loginName="ARCHER")
    assert refused.refusals("register") == [("TAKEN", ["loginName"])]


async def test_of_two_claims_to_a_login_name_the_first_proven_wins_and_the_other_chooses_again(house: House) -> None:
    letters = await _letters(house)
    for email in ("ann@example.org", "bob@example.org"):
        await letters.register(email, acceptTerms=True, loginName="archer")
    assert await _prove(letters, "bob@example.org") == []
    before = await house.counts()

    assert await _prove(letters, "ann@example.org") == [("TAKEN", ["loginName"])]

    assert await house.counts() == before
    assert (await letters.login("ann@example.org")).refusals("login") == [("INVALID_CREDENTIALS", None)]
    await letters.register("ann@example.org", acceptTerms=True, loginName="fletcher")
    assert await _prove(letters, "ann@example.org") == []
    assert await letters.token("fletcher")


async def test_the_shop_is_asked_for_its_approval_once_the_address_is_proven(house: House) -> None:
    letters = await _letters(house, approval=True, notification_email="desk@careful.example")
    await letters.register("ann@example.org", acceptTerms=True)
    assert [kind for kind, _ in await letters.kinds()] == ["VERIFY_EMAIL"]

    await _prove(letters, "ann@example.org")

    assert ("APPROVAL_REQUESTED", "desk@careful.example") in await letters.kinds()
    assert (await letters.login("ann@example.org")).refusals("login") == [("NOT_APPROVED", None)]
