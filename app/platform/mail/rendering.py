"""Renders a mail in the customer's language, as text and as HTML."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from email.utils import format_datetime
from functools import cache
from html import escape
from pathlib import Path
from string import Template as Text
from typing import Any
from urllib.parse import quote
from uuid import UUID

from app.platform.clock import now
from app.platform.languages import language_of
from app.platform.mail.outbox import MailContent
from app.platform.mail.templates import Template

TEXTS = Path(__file__).parent / "texts"

PAGE = """<!doctype html>
<html lang="$language"><head><meta charset="utf-8"><title>$subject</title></head>
<body style="margin:0;padding:24px;background:#f4f4f5;color:#18181b;font:16px/1.5 sans-serif">
<div style="max-width:560px;margin:0 auto;padding:32px;background:#ffffff;border-radius:8px">
$body
</div></body></html>
"""
BUTTON = (
    '<p><a href="{link}" style="display:inline-block;padding:10px 20px;background:#18181b;color:#ffffff;'
    'border-radius:6px;text-decoration:none">{label}</a></p>\n<p style="font-size:13px;color:#52525b">{link}</p>'
)


class _UnfoldedHeader(UnstructuredHeader, BaseHeader):
    """A header on one line. Python folds a long URL into encoded words (RFC 2047), where none may stand (RFC 2369)."""

    def fold(self, *, policy: Policy) -> str:
        """The line as it is sent; lines may have 998 characters (RFC 5322)."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _UnfoldedHeader)
_POLICY = EmailPolicy(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A rendered mail without its headers."""

    subject: str
    text: str
    html: str
    link: str | None


@cache
def texts(language: str) -> Mapping[str, Any]:
    """All texts of a language, by template name."""
    return tomllib.loads((TEXTS / f"{language}.toml").read_text(encoding="utf-8"))


def render(template: Template, content: MailContent, *, fallback_url: str) -> RenderedMail:
    """Render a mail; links lead to the shop's storefront, or below `fallback_url` where none is set."""
    language = language_of(content.locale)
    translations = texts(language)
    phrases = translations[template.value]
    values = {"shop": content.shop, **content.values}
    link = _link(template, content, fallback_url)

    def fill(text: str) -> str:
        return Text(text).substitute(values)

    before = [translations["greeting"], *(fill(paragraph) for paragraph in phrases["before"])]
    after = [
        *([fill(translations["code"])] if "code" in values else []),
        *(fill(paragraph) for paragraph in phrases["after"]),
    ]
    closing = [translations["closing"], content.shop]
    subject = " ".join(fill(phrases["subject"]).split())
    text = [*before, *([f"{phrases['action']}:\n{link}"] if link else []), *after, "\n".join(closing)]
    body = [
        *(f"<p>{escape(paragraph)}</p>" for paragraph in before),
        *([BUTTON.format(link=escape(link), label=escape(phrases["action"]))] if link else []),
        *(f"<p>{escape(paragraph)}</p>" for paragraph in after),
        "<p>" + "<br>".join(escape(line) for line in closing) + "</p>",
    ]
    page = Text(PAGE).substitute(language=language, subject=escape(subject), body="\n".join(body))
    return RenderedMail(subject, "\n\n".join(text) + "\n", page, link)


def _link(template: Template, content: MailContent, fallback_url: str) -> str | None:
    if template.page is None:
        return None
    token = quote(content.values["token"])
    if content.storefront_url:
        return f"{content.storefront_url.rstrip('/')}/{template.page}?token={token}"
    # The service's own page serves all organizations.
    shop = f"shop={quote(content.slug)}&" if content.slug else ""
    return f"{fallback_url.rstrip('/')}/{template.page}?{shop}token={token}"


def email_message(
    mail_id: UUID, template: Template, content: MailContent, *, fallback_url: str, sender: str
) -> EmailMessage:
    """The mail with its headers. Sent twice it has the same Message-ID, by which a repeat is recognised."""
    rendered = render(template, content, fallback_url=fallback_url)
    address = content.sender or sender
    mail = EmailMessage(_POLICY)
    mail["From"] = Address(" ".join(content.shop.split()), addr_spec=address)
    mail["To"] = content.to
    mail["Subject"] = rendered.subject
    mail["Date"] = format_datetime(now())
    mail["Message-ID"] = f"<{mail_id.hex}@{address.rpartition('@')[2]}>"
    mail["Content-Language"] = language_of(content.locale)
    # RFC 3834: automatic responders must not answer.
    mail["Auto-Submitted"] = "auto-generated"
    if url := content.values.get("unsubscribe_url"):
        mail["List-Unsubscribe"] = "<" + re.sub(r"[<>\s]", "", url) + ">"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    return mail
