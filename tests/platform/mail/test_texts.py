"""Mail texts: every template in every language, with exactly the values it declares."""

import re
from string import Template as Text
from typing import Any
from uuid import uuid4

import pytest

from app.platform.languages import LANGUAGES, language_of
from app.platform.mail.outbox import MailContent
from app.platform.mail.rendering import email_message, render, texts
from app.platform.mail.templates import Template

EVIL = "<script>alert(1)</script>&\"'"
ALL = [(template, language) for template in Template for language in LANGUAGES]


def make_mail(
    template: Template, *, locale: str | None = "en", organization: str = "First", storefront: str = ""
) -> MailContent:
    values = {name: f"the-{name}" for name in template.value_names}
    return MailContent("ann@example.org", locale, organization, storefront, "", values)


def strings(entry: dict[str, Any]) -> list[str]:
    return [entry["subject"], *entry["before"], *entry["after"], *([entry["action"]] if "action" in entry else [])]


def placeholders(entry: dict[str, Any]) -> set[str]:
    return {name for text in strings(entry) for name in Text(text).get_identifiers()}


@pytest.mark.parametrize(("template", "language"), ALL, ids=lambda one: getattr(one, "name", one))
def test_every_mail_can_be_written_in_every_language(template: Template, language: str) -> None:
    rendered = render(template, make_mail(template, locale=language), fallback_url="http://patron.test")

    assert "First" in rendered.subject
    assert f'<html lang="{language}">' in rendered.html
    assert not re.search(r"\$\w", rendered.subject + rendered.text + rendered.html)
    # An unsubscribe URL is in a header, a token in the link.
    assert all(f"the-{name}" in rendered.text for name in template.value_names - {"unsubscribe_url"})
    assert (rendered.link is not None) == (template.page is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things_with_the_same_values(language: str) -> None:
    own, english = texts(language), texts("en")

    assert own.keys() == english.keys()
    assert {Template(name) for name, entry in english.items() if isinstance(entry, dict)} == set(Template)
    for template in Template:
        assert placeholders(own[template.value]) == placeholders(english[template.value])
        assert placeholders(own[template.value]) <= template.value_names | {"shop"}
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
    values = dict.fromkeys(template.value_names, EVIL)

    rendered = render(
        template, MailContent("ann@example.org", "en", EVIL, "", "", values), fallback_url="http://patron.test"
    )

    assert "<script>" not in rendered.html
    assert "&lt;script&gt;" in rendered.html
    assert EVIL in rendered.text


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

    own = render(
        template, make_mail(template, storefront="https://shop.example.org/"), fallback_url="http://patron.test"
    )
    none = render(template, make_mail(template), fallback_url="http://patron.test")

    assert own.link == "https://shop.example.org/reset-password?token=the-token"
    assert none.link == "http://patron.test/reset-password?token=the-token"
    assert own.link in own.html


def test_a_mail_sent_twice_has_the_same_message_id() -> None:
    mail_id, template = uuid4(), Template.APPROVED

    first, second = (
        email_message(mail_id, template, make_mail(template), fallback_url="", sender="shop@example.org")
        for _ in range(2)
    )

    assert first["Message-ID"] == second["Message-ID"] == f"<{mail_id.hex}@example.org>"


def test_a_shops_name_cannot_add_headers() -> None:
    template = Template.APPROVED

    mail = email_message(
        uuid4(),
        template,
        make_mail(template, organization="Fi\r\nBcc: eve@example.org"),
        fallback_url="",
        sender="a@example.org",
    )

    assert mail["Bcc"] is None
    assert mail["To"] == "ann@example.org"


def test_a_newsletter_can_be_left_with_one_click() -> None:
    template = Template.NEWSLETTER_WELCOME
    values = {"token": "nl_1", "unsubscribe_url": "https://patron.test/unsubscribe/nl_1"}

    mail = email_message(
        uuid4(),
        template,
        MailContent("a@example.org", "en", "First", "", "", values),
        fallback_url="",
        sender="s@example.org",
    )

    assert mail["List-Unsubscribe"] == "<https://patron.test/unsubscribe/nl_1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
