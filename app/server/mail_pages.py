"""Plain pages behind the links of mails, for organizations without a storefront address of their own.

A GET shows a form and changes nothing, as mail scanners open every link; the form's POST runs the same mutation that a
storefront's page would, as a guest of the organization: same rules, same rate limits, same audit.

    page                    mutation
    verify-email            verifyEmail; where a password has to be chosen, the form of reset-password follows
    reset-password          resetPassword
    confirm-email-change    confirmEmailChange
    undo-email-change       undoEmailChange
    unsubscribe             unsubscribeNewsletter
    data-export             none: the POST answers the file
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.accounts.organizations import repository as organizations
from app.platform.errors import AppError
from app.platform.graphql.http import BadRequest, read_body
from app.platform.languages import language_of, preferred_language
from app.platform.principal import Organization
from app.platform.vault.vault import Store
from app.server.mail_page_texts import TEXTS

# `download(request, organization, token)`: the file; raises `AppError`.
Download = Callable[[Request, Organization, str], Awaitable[Response]]
# `execute(request, organization, document, variables)`: the response map of GraphQL; raises `BadRequest` (429).
Execute = Callable[[Request, Organization, str, Mapping[str, Any]], Awaitable[dict[str, Any]]]

MAX_FORM_BYTES = 16 * 1024
# The icon of the pages is an empty one.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em}"
    "button,input{font:inherit;padding:.4em .8em}label{display:block;margin:1em 0}.error{color:#b91c1c}"
)
RESET = "reset-password"
CHOOSE_PASSWORD = "CHOOSE_PASSWORD"


@dataclass(frozen=True, slots=True)
class _Page:
    """The mutation of a page, and what else than errors is read of its payload."""

    mutation: str
    fields: str = ""

    @property
    def document(self) -> str:
        """The operation."""
        name = self.mutation[0].upper() + self.mutation[1:]
        return (
            f"mutation ($input: {name}Input!) {{ {self.mutation}(input: $input) "
            f"{{ {self.fields} userErrors {{ message }} }} }}"
        )


PAGES = {
    "verify-email": _Page("verifyEmail", "nextStep passwordToken"),
    RESET: _Page("resetPassword"),
    "confirm-email-change": _Page("confirmEmailChange"),
    "undo-email-change": _Page("undoEmailChange"),
    "unsubscribe": _Page("unsubscribeNewsletter"),
}
DATA_EXPORT = "data-export"
PATHS = tuple(f"/{name}" for name in (*PAGES, DATA_EXPORT))


@dataclass(frozen=True, slots=True)
class _Post:
    """A form that was sent."""

    request: Request
    language: str
    form: Mapping[str, str]
    organization: Organization


def routes(store: Store, execute: Execute, download: Download) -> list[Route]:
    """A route for each page, both methods."""

    def handler(name: str, answer: Callable[[_Post], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            language = language_of(preferred_language(request.headers.get("accept-language", "")))
            try:
                form = await _form(request)
                organization = await _organization(store, form.get("shop", ""))
                if organization is None or not form.get("token"):
                    return _html(language, name, _paragraph(TEXTS[language]["invalid"], error=True), 400)
                if request.method != "POST":
                    return _html(language, name, _form_html(language, name, form, organization))
                return await answer(_Post(request, language, form, organization))
            except BadRequest as refused:
                return _html(language, name, _paragraph(refused.message, error=True), refused.status, refused.headers)

        return handle

    def mutation(name: str, page: _Page) -> Callable[[_Post], Awaitable[Response]]:
        async def answer(post: _Post) -> Response:
            variables = {"input": _input(name, post.form)}
            result = await execute(post.request, post.organization, page.document, variables)
            return _answer(post.language, name, page, post.form, post.organization, result)

        return answer

    async def file(post: _Post) -> Response:
        try:
            return await download(post.request, post.organization, post.form["token"])
        except AppError as refused:
            return _html(post.language, DATA_EXPORT, _paragraph(refused.text(post.language), error=True), 400)

    answers = {**{name: mutation(name, page) for name, page in PAGES.items()}, DATA_EXPORT: file}
    return [Route(f"/{name}", handler(name, answer), methods=["GET", "POST"]) for name, answer in answers.items()]


async def _form(request: Request) -> dict[str, str]:
    if request.method != "POST":
        return dict(request.query_params)
    body = await read_body(request, MAX_FORM_BYTES)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


async def _organization(store: Store, slug: str) -> Organization | None:
    async with store.database.transaction() as session:
        return await organizations.by_slug(session, slug) if slug else await organizations.default(session)


def _input(name: str, form: Mapping[str, str]) -> dict[str, object]:
    if name != RESET:
        return {"token": form["token"]}
    return {
        "token": form["token"],
        "password": form.get("password", ""),
        "passwordConfirmation": form.get("confirmation", ""),
        "acceptTerms": "terms" in form,
        "loginName": form.get("loginName") or None,
    }


def _answer(
    language: str,
    name: str,
    page: _Page,
    form: Mapping[str, str],
    organization: Organization,
    result: Mapping[str, Any],
) -> Response:
    payload = (result.get("data") or {}).get(page.mutation)
    if payload is None:
        return _html(language, name, _paragraph(result["errors"][0]["message"], error=True), 503)
    if payload["userErrors"]:
        errors = "".join(_paragraph(one["message"], error=True) for one in payload["userErrors"])
        again = _form_html(language, name, form, organization) if name == RESET else ""
        return _html(language, name, errors + again, 400)
    if payload.get("nextStep") == CHOOSE_PASSWORD:
        chosen = {**form, "token": payload["passwordToken"]}
        done = _paragraph(TEXTS[language][name]["done"])
        return _html(language, RESET, done + _form_html(language, RESET, chosen, organization))
    return _html(language, name, _paragraph(TEXTS[language][name]["done"]))


def _form_html(language: str, name: str, form: Mapping[str, str], organization: Organization) -> str:
    texts = TEXTS[language]
    hidden = "".join(
        f'<input type="hidden" name="{field}" value="{escape(form.get(field, ""))}">' for field in ("shop", "token")
    )
    fields = _password_fields(texts, organization) if name == RESET else ""
    return (
        f'<form method="post" action="/{name}">{hidden}{fields}<button>{escape(texts[name]["title"])}</button></form>'
    )


def _password_fields(texts: Mapping[str, Any], organization: Organization) -> str:
    password = '<input type="password" name="{}" autocomplete="new-password" required maxlength="128">'
    fields = [
        f"<label>{escape(texts[label])}<br>{password.format(name)}</label>"
        for name, label in (("password", "password"), ("confirmation", "confirmation"))
    ]
    settings = organization.settings
    if settings.require_login_name:
        fields.append(f'<label>{escape(texts["loginName"])}<br><input name="loginName" maxlength="64"></label>')
    if settings.has_terms:
        url = escape(settings.terms_url or "")
        terms = f'<a href="{url}" rel="noreferrer">{escape(texts["terms"])}</a>' if url else escape(texts["terms"])
        fields.append(f'<label><input type="checkbox" name="terms"> {terms}</label>')
    return "".join(fields)


def _paragraph(text: str, *, error: bool = False) -> str:
    return f'<p class="error">{escape(text)}</p>' if error else f"<p>{escape(text)}</p>"


def _html(language: str, name: str, body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    title = escape(TEXTS[language][name]["title"])
    text = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'<title>{title}</title><link rel="icon" href="data:,"><style>{STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
    own = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, {**(headers or {}), **own})
