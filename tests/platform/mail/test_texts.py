"""What mails say: every kind in every language, and nothing in it that is not meant."""

import re
from string import Template as Text
from typing import Any
from uuid import uuid4

import pytest

from app.platform.mail.outbox import Letter
from app.platform.mail.templates import Template
from app.platform.mail.writing import LANGUAGES, language_of, message, texts, write

EVIL = "<script>alert(1)</script>&\"'"
ALL = [(template, language) for template in Template for language in LANGUAGES]


def letter(template: Template, *, locale: str | None = "en", shop: str = "First", storefront: str = "") -> Letter:
    values = {name: f"the-{name}" for name in template.values}
    return Letter("ann@example.org", locale, shop, storefront, "", values)


def strings(said: dict[str, Any]) -> list[str]:
    return [said["subject"], *said["before"], *said["after"], *([said["action"]] if "action" in said else [])]


def placeholders(said: dict[str, Any]) -> set[str]:
    return {name for text in strings(said) for name in Text(text).get_identifiers()}


@pytest.mark.parametrize(("template", "language"), ALL, ids=lambda one: getattr(one, "name", one))
def test_every_mail_can_be_written_in_every_language(template: Template, language: str) -> None:
    written = write(template, letter(template, locale=language), fallback_url="http://patron.test")

    assert "First" in written.subject
    assert f'<html lang="{language}">' in written.html
    assert not re.search(r"\$\w", written.subject + written.text + written.html)
    # An unsubscribe address stands in a header, a token in the link.
    assert all(f"the-{name}" in written.text for name in template.values - {"unsubscribe_url"})
    assert (written.link is not None) == (template.page is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things_with_the_same_values(language: str) -> None:
    own, english = texts(language), texts("en")

    assert own.keys() == english.keys()
    assert {Template(name) for name, said in english.items() if isinstance(said, dict)} == set(Template)
    for template in Template:
        assert placeholders(own[template.value]) == placeholders(english[template.value])
        assert placeholders(own[template.value]) <= template.values | {"shop"}
        assert own[template.value].keys() == english[template.value].keys()
        assert ("action" in own[template.value]) == (template.page is not None)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_nothing_was_left_in_english(language: str) -> None:
    own, english = texts(language), texts("en")

    for template in Template:
        both = set(strings(own[template.value])) & set(strings(english[template.value]))
        assert both == set()


@pytest.mark.parametrize("template", Template, ids=lambda one: one.name)
def test_values_are_escaped_in_html_and_plain_in_text(template: Template) -> None:
    values = dict.fromkeys(template.values, EVIL)

    written = write(template, Letter("ann@example.org", "en", EVIL, "", "", values), fallback_url="http://patron.test")

    assert "<script>" not in written.html
    assert "&lt;script&gt;" in written.html
    assert EVIL in written.text


def test_the_customers_language_decides_and_english_is_the_fallback() -> None:
    assert [language_of(locale) for locale in ("de-CH", "FR", "it", "es-MX", "zh-Hant-TW", "", None)] == [
        "de",
        "fr",
        "it",
        "es",
        "en",
        "en",
        "en",
    ]


def test_links_lead_to_the_shops_own_storefront() -> None:
    template = Template.RESET_PASSWORD

    own = write(template, letter(template, storefront="https://shop.example.org/"), fallback_url="http://patron.test")
    none = write(template, letter(template), fallback_url="http://patron.test")

    assert own.link == "https://shop.example.org/reset-password?token=the-token"
    assert none.link == "http://patron.test/reset-password?token=the-token"
    assert own.link in own.html


def test_a_mail_sent_twice_has_the_same_message_id() -> None:
    mail_id, template = uuid4(), Template.APPROVED

    first, second = (
        message(mail_id, template, letter(template), fallback_url="", sender="shop@example.org") for _ in range(2)
    )

    assert first["Message-ID"] == second["Message-ID"] == f"<{mail_id.hex}@example.org>"


def test_a_shops_name_cannot_add_headers() -> None:
    template = Template.APPROVED

    mail = message(
        uuid4(), template, letter(template, shop="Fi\r\nBcc: eve@example.org"), fallback_url="", sender="a@example.org"
    )

    assert mail["Bcc"] is None
    assert mail["To"] == "ann@example.org"


def test_a_newsletter_can_be_left_with_one_click() -> None:
    template = Template.NEWSLETTER_WELCOME
    values = {"token": "nl_1", "unsubscribe_url": "https://patron.test/unsubscribe/nl_1"}

    mail = message(
        uuid4(),
        template,
        Letter("a@example.org", "en", "First", "", "", values),
        fallback_url="",
        sender="s@example.org",
    )

    assert mail["List-Unsubscribe"] == "<https://patron.test/unsubscribe/nl_1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
