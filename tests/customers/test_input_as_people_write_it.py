"""Language tags of browsers, telephone numbers without a country code, postal codes as they are typed."""

import pytest

from tests.customers.addresses.builders import ANN
from tests.shop import PASSWORD, Shop

SAVE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { locale phone } userErrors { code field } } }"""
CREATE = """mutation ($input: AddressInput!) { createAddress(input: $input) {
    address { postalCode formatted } userErrors { code field } } }"""


@pytest.mark.parametrize(
    ("tag", "kept"),
    [
        ("ca-ES-valencia", "ca-ES-valencia"),
        ("en-US-u-hc-h12", "en-US-u-hc-h12"),
        ("EN_us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("de-CH-1996", "de-CH-1996"),
        ("es-419", "es-419"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("de-DE-u-co-phonebk-x-shop", "de-DE-u-co-phonebk-x-shop"),
    ],
)
async def test_a_language_tag_of_a_browser_is_kept(shop: Shop, tag: str, kept: str) -> None:
    ann = await shop.register("ann@example.org")

    answer = await shop.ask(SAVE, token=ann.token, input={"locale": tag})

    assert answer.payload("updateCustomer")["customer"]["locale"] == kept


@pytest.mark.parametrize("tag", ["x-private", "i-klingon", "e", "en-", "en--US", "en-u", "d€-CH", "en-US-" + "x" * 70])
async def test_what_is_no_language_tag_is_refused(shop: Shop, tag: str) -> None:
    ann = await shop.register("ann@example.org", locale="de-CH")

    answer = await shop.ask(SAVE, token=ann.token, input={"locale": tag})

    ((code, field),) = answer.refusals("updateCustomer")
    assert (code in {"INVALID", "TOO_LONG", "TOO_SHORT"}, field) == (True, ["locale"])
    assert (await shop.ask("{ me { locale } }", token=ann.token)).data["me"] == {"locale": "de-CH"}


@pytest.mark.parametrize(
    "phone", ["+41 44 668 18 00", "0041 44 668 18 00", "044 668 18 00", "\u202a+41446681800\u202c"]
)
async def test_a_telephone_number_is_read_as_at_home(shop: Shop, phone: str) -> None:
    at_home = await shop.register("ann@example.org", locale="de-CH", phone=phone)
    later = await shop.register("bob@example.org", locale="de-CH")
    address = {key: value for key, value in ANN.items() if key not in {"default", "customerId"}}
    by_address = await shop.register("eve@example.org", phone=phone, address=address)

    await shop.ask(SAVE, token=later.token, input={"phone": phone})

    for person in (at_home, later, by_address):
        assert (await shop.ask("{ me { phone } }", token=person.token)).data["me"] == {"phone": "+41446681800"}


async def test_without_a_country_a_number_at_home_is_refused_and_an_international_one_is_not(shop: Shop) -> None:
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}

    refused = await shop.ask("Register", input={**account, "phone": "044 668 18 00"})
    kept = await shop.register("ann@example.org", phone="0041 44 668 18 00", locale="en-US")

    assert refused.refusals("register") == [("INVALID_PHONE", ["phone"])]
    assert (await shop.ask("{ me { phone } }", token=kept.token)).data["me"] == {"phone": "+41446681800"}


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("GB", "sw1a2aa", "SW1A 2AA"),
        ("NL", "1012jl", "1012 JL"),
        ("DE", "D-53113", "53113"),
        ("AT", "A-1010", "1010"),
    ],
)
async def test_a_postal_code_is_kept_and_printed_as_the_post_writes_it(
    shop: Shop, country: str, typed: str, kept: str
) -> None:
    ann = await shop.register("ann@example.org")
    names = {"firstName": "Ann", "lastName": "Archer", "line1": "Street 1", "city": "Town"}

    answer = await shop.ask(CREATE, token=ann.token, input={**names, "country": country, "postalCode": typed})

    address = answer.payload("createAddress")["address"]
    assert address["postalCode"] == kept
    (line,) = [line for line in address["formatted"] if kept in line]
    assert typed not in line
