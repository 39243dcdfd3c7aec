"""Tests of registration: terms, first address, extra fields, password length."""

from typing import Any

import pytest

from app.platform.principal import Scope
from app.privacy.erasure import erase_due
from tests.shop import PASSWORD, Answer, SeededOrganization, Shop

REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) { nextStep deviceToken
    customer { id newsletterConsentedAt attributes { name value }
        termsAcceptance { version acceptedAt } addresses { line1 isDefaultShipping } }
    tokens { accessToken } warnings { code field message } userErrors { code field message } } }"""
TERMS = "query ($id: ID!) { customer(by: { id: $id }) { termsAcceptance { version acceptedAt } attributes { name } } }"
HOME = {"firstName": "Ann", "lastName": "Lee", "line1": "Limmatquai 1", "city": "Zürich", "postalCode": "8001"}


async def _register(shop: Shop, organization: SeededOrganization | None = None, **fields: Any) -> Answer:
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD, **fields}
    return await shop.ask(
        REGISTER, organization=organization, input={name: one for name, one in account.items() if one is not None}
    )


async def test_terms_must_be_agreed_to_and_version_and_time_are_kept_for_staff(shop: Shop) -> None:
    organization = await shop.create_organization(
        "terms", terms_url="https://shop.example/terms", terms_version="2026-05"
    )
    before = await shop.counts()

    refused = await _register(shop, organization)

    assert refused.refusals("register") == [("TERMS_NOT_ACCEPTED", ["acceptTerms"])]
    assert await shop.counts() == before

    customer = (await _register(shop, organization, acceptTerms=True)).payload("register")["customer"]
    seen = (await shop.ask(TERMS, token=await shop.staff(organization=organization), id=customer["id"])).data[
        "customer"
    ]

    assert seen["termsAcceptance"]["version"] == "2026-05"
    assert seen["termsAcceptance"]["acceptedAt"].endswith("Z")


async def test_without_terms_nobody_has_to_agree_and_nothing_is_kept(shop: Shop) -> None:
    customer = (await _register(shop, acceptTerms=True)).payload("register")["customer"]

    assert customer["termsAcceptance"] is None


async def test_a_guest_is_asked_for_an_address_only(shop: Shop) -> None:
    organization = await shop.create_organization("strict", require_login_name=True, terms_version="1")

    guest = (await _register(shop, organization, password=None, passwordConfirmation=None)).payload("register")

    assert (guest["nextStep"], guest["tokens"], guest["deviceToken"]) == ("DONE", None, None)


async def test_the_first_address_is_written_with_the_account(shop: Shop) -> None:
    customer = (await _register(shop, address={**HOME, "country": "CH"})).payload("register")["customer"]

    assert customer["addresses"] == [{"line1": "Limmatquai 1", "isDefaultShipping": True}]
    assert "address.created" in await shop.audit()


async def test_a_wrong_first_address_refuses_the_account_with_everything_else_that_is_wrong(shop: Shop) -> None:
    before = await shop.counts()

    refused = await _register(
        shop,
        email="ann",
        firstName="x" * 33,
        passwordConfirmation="something else",
        address={**HOME, "country": "CH", "postalCode": "99", "lastName": ""},
    )

    assert refused.refusals("register") == [
        ("INVALID", ["email"]),
        ("TOO_LONG", ["firstName"]),
        ("PASSWORD_MISMATCH", ["passwordConfirmation"]),
        ("REQUIRED", ["address", "lastName"]),
        ("INVALID_POSTAL_CODE", ["address", "postalCode"]),
    ]
    assert PASSWORD not in str(refused.body)
    assert await shop.counts() == before


@pytest.mark.parametrize("proving", [False, True])
async def test_a_lenient_shop_says_what_is_odd_about_the_first_address(shop: Shop, *, proving: bool) -> None:
    organization = await shop.create_organization("lenient", address_strictness="warn", require_verified_email=proving)

    payload = (await _register(shop, organization, address={**HOME, "country": "CH", "postalCode": "99"})).payload(
        "register"
    )

    warned = [(one["code"], one["field"]) for one in payload["warnings"]]
    assert warned == [("INVALID_POSTAL_CODE", ["address", "postalCode"])]
    assert payload["nextStep"] == ("VERIFY_EMAIL" if proving else "DONE")


async def test_the_first_address_cannot_be_somebody_elses(shop: Shop) -> None:
    bob = await shop.register("bob@example.org")

    refused = await _register(shop, address={**HOME, "country": "CH", "customerId": bob.id})

    assert refused.refusals("register") == [("NOT_ALLOWED", ["address", "customerId"])]


async def test_a_taken_address_leaves_no_first_address_behind(shop: Shop) -> None:
    await shop.register("ann@example.org")
    before = await shop.counts()

    refused = await _register(shop, address={**HOME, "country": "CH"})

    assert refused.refusals("register") == [("EMAIL_TAKEN", ["email"])]
    assert await shop.counts() == before


async def test_a_customer_who_is_logged_in_cannot_register_a_second_account(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    before = await shop.counts()

    refused = await shop.ask(REGISTER, token=ann.token, input={"email": "second@example.org"})

    assert refused.refusals("register") == [("ALREADY_LOGGED_IN", None)]
    assert await shop.counts() == before


async def test_an_integration_cannot_register_like_a_guest(shop: Shop) -> None:
    refused = await shop.ask(REGISTER, token=await shop.integration(), input={"email": "a@example.org"})

    assert refused.codes == ["FORBIDDEN"]


@pytest.mark.parametrize("shortest", [12, 4])
async def test_an_organization_may_ask_for_longer_passwords_but_not_for_shorter_ones(shop: Shop, shortest: int) -> None:
    organization = await shop.create_organization("longer", password_min_length=shortest)
    short = "kvothe7" if shortest < 8 else "kvothe7!xyz"

    refused = await _register(shop, organization, password=short, passwordConfirmation=short)

    assert refused.refusals("register") == [("PASSWORD_TOO_WEAK", ["password"])]


async def test_terms_and_answers_are_erased_with_the_customer(shop: Shop) -> None:
    organization = await shop.create_organization("terms", terms_version="1")
    customer = (await _register(shop, organization, acceptTerms=True, newsletter=True)).payload("register")["customer"]
    staff = await shop.staff(organization=organization)

    (await shop.ask("RequestAnonymization", token=staff, customerId=customer["id"])).payload("requestAnonymization")
    assert await erase_due(shop.runtime.store) == 1

    seen = (
        await shop.ask(
            TERMS, token=await shop.staff(Scope.CUSTOMERS_READ, organization=organization), id=customer["id"]
        )
    ).data
    assert seen["customer"] == {"termsAcceptance": None, "attributes": []}
