"""Messages of errors: all translated, with the same values, and answered in the caller's language."""

import re
from string import Formatter

import pytest

from app.platform.errors import ErrorCode, ErrorRule
from app.platform.languages import LANGUAGES, preferred_language
from app.platform.translations import translate
from tests.messages.catalogues import TRANSLATED, untranslated
from tests.messages.extraction import messages
from tests.shop import Shop

UPDATE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    userErrors { code message field ... on InputError { rule min max pattern } } } }"""
ENGLISH_WORDS = re.compile(r"\b(the|this|is|of|and|with|your|use|write|not|at most|there|has)\b", re.IGNORECASE)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(language: str) -> None:
    assert untranslated(language) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_values_of_its_message(language: str) -> None:
    different = [one for one in messages() if _values(one) != _values(translate(one, language))]

    assert different == []


def _values(message: str) -> list[tuple[str, str | None]]:
    return sorted((name, spec) for _, name, spec, _ in Formatter().parse(message) if name)


def test_no_english_word_is_left_in_german() -> None:
    german = {message: translate(message, "de") for message in messages()}

    assert [text for text in german.values() if ENGLISH_WORDS.search(text)] == []


def test_every_code_and_every_rule_has_a_message() -> None:
    uses = messages().values()

    assert {code for use in uses for code in use.codes} == set(ErrorCode)
    assert {rule for use in uses for rule in use.rules} == set(ErrorRule)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.5, FR", "fr"),
        ("nl, it;q=0.3, es;q=0.7", "es"),
        ("de;q=0, fr", "fr"),
        ("pt-BR", None),
        ("*", None),
        ("*, de;q=0.5", None),
        ("de;q=much, fr;q=0.1", "fr"),
        ("", None),
        (",;q=,", None),
    ],
)
def test_the_language_of_a_header_is_the_one_of_the_highest_quality(header: str, language: str | None) -> None:
    assert preferred_language(header) == language


@pytest.mark.parametrize(
    ("locale", "header", "language"),
    [
        ("de-CH", "fr", "fr"),
        ("de-CH", "en-GB", "en"),
        ("de-CH", "*", "de"),
        ("de-CH", "ja", "de"),
        ("ja", "", "en"),
        (None, "it-IT", "it"),
    ],
)
async def test_a_message_is_in_the_language_asked_for_else_in_the_customer_s(
    shop: Shop, locale: str | None, header: str, language: str
) -> None:
    ann = await shop.register("ann@example.org", locale=locale)

    answer = await shop.post(
        {"query": UPDATE, "variables": {"input": {"firstName": "x" * 33}}},
        **{"Authorization": f"Bearer {ann.token}", "Accept-Language": header},
    )

    (error,) = answer.data["updateCustomer"]["userErrors"]
    assert error["message"] == translate("At most {max} characters.", language).format(max=32)
    assert (error["code"], error["rule"], error["max"], error["min"]) == ("TOO_LONG", "LENGTH", 32, None)


async def test_a_guest_is_answered_in_the_language_of_the_browser(shop: Shop) -> None:
    for language in LANGUAGES:
        body = {"query": 'mutation { login(input: { identifier: "ann@example.org", password: "x" }) {'}
        body["query"] += " userErrors { code message } } }"

        answer = await shop.post(body, **{"Accept-Language": language})

        (error,) = answer.data["login"]["userErrors"]
        assert error == {
            "code": "INVALID_CREDENTIALS",
            "message": translate("The name or the password is wrong.", language),
        }
