"""The development mailbox: pages that show the mails sent, so that development needs no mail server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from app.platform.db.reading import Read, columns
from app.platform.mail.outbox import TABLE, MailContent
from app.platform.mail.rendering import RenderedMail, render
from app.platform.mail.tables import OutgoingMail
from app.platform.mail.templates import Template
from app.platform.vault.vault import Store

PATH = "/dev/mail"
MAX_MAILS = 100
# Only what is inside the page itself: no script, no other host. `srcdoc` frames inherit the policy.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:900px;margin:2em auto;padding:0 1em}"
    "td,th{text-align:left;padding:.3em 1em .3em 0}pre{white-space:pre-wrap;background:#f4f4f5;padding:1em}"
    "iframe{width:100%;height:30em;border:1px solid #d4d4d8}"
)


class _Row(NamedTuple):
    id: UUID
    customer_id: UUID
    template: str
    sealed: bytes | None
    state: str
    created_at: datetime


_COLUMNS: Sequence[Any] = columns(OutgoingMail, _Row)
_NEWEST = Read(
    select(*_COLUMNS)
    .where(col(OutgoingMail.sealed).is_not(None))
    .order_by(col(OutgoingMail.id).desc())
    .limit(MAX_MAILS),
    _Row._make,
)
_ONE = Read(select(*_COLUMNS).where(col(OutgoingMail.id) == bindparam("id")), _Row._make)


@dataclass(frozen=True, slots=True)
class MailView:
    """A mail as the mailbox shows it."""

    row: _Row
    content: MailContent
    rendered: RenderedMail

    def as_json(self) -> dict[str, Any]:
        """The JSON form, for tests of a front end."""
        return {
            "id": str(self.row.id),
            "template": self.row.template,
            "state": self.row.state,
            "createdAt": self.row.created_at.isoformat().replace("+00:00", "Z"),
            "to": self.content.to,
            "subject": self.rendered.subject,
            "link": self.rendered.link,
            "values": self.content.values,
            "text": self.rendered.text,
        }


class Mailbox:
    """Two pages, as HTML or as JSON by the Accept header. Routed in development only."""

    def __init__(self, store: Store, *, fallback_url: str) -> None:
        """Show the mails of this store."""
        self._store = store
        self._fallback_url = fallback_url

    async def index(self, request: Request) -> Response:
        """The newest mails, newest first."""
        views = await self._views(await self._store.database.rows(_NEWEST))
        if _wants_json(request):
            return JSONResponse({"mails": [view.as_json() for view in views]}, headers=HEADERS)
        return HTMLResponse(_index_page(views), headers=HEADERS)

    async def detail(self, request: Request) -> Response:
        """One mail, as text and as HTML."""
        rows = await self._store.database.rows(_ONE, id=request.path_params["id"])
        views = await self._views([row for row in rows if row.sealed])
        if not views:
            return Response("There is no such mail.", 404, HEADERS)
        if _wants_json(request):
            return JSONResponse(views[0].as_json(), headers=HEADERS)
        return HTMLResponse(_detail_page(views[0]), headers=HEADERS)

    async def _views(self, rows: Sequence[_Row]) -> list[MailView]:
        ciphers = await self._store.vault.ciphers({row.customer_id for row in rows})
        return [
            self._open(row, ciphers[row.customer_id].open_as(MailContent, TABLE, row.id, row.sealed))
            for row in rows
            if row.customer_id in ciphers
        ]

    def _open(self, row: _Row, content: MailContent) -> MailView:
        return MailView(row, content, render(Template(row.template), content, fallback_url=self._fallback_url))


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _document(title: str, body: str) -> str:
    name = escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body><h1>{name}</h1>{body}</body></html>'
    )


def _index_page(views: Sequence[MailView]) -> str:
    if not views:
        return _document("Mailbox", "<p>Nothing went out yet.</p>")
    rows = "".join(
        f"<tr><td>{view.row.created_at:%Y-%m-%d %H:%M:%S}</td><td>{escape(view.content.to)}</td>"
        f'<td><a href="{PATH}/{view.row.id}">{escape(view.rendered.subject)}</a></td><td>{view.row.state}</td></tr>'
        for view in views
    )
    return _document("Mailbox", f"<table><tr><th>UTC</th><th>To</th><th>Subject</th><th></th></tr>{rows}</table>")


def _link_paragraph(link: str | None) -> str:
    """The mail's link outside of the frame, in which no link leads anywhere."""
    if link is None or not link.startswith(("https://", "http://")):
        return ""
    return f'<p><a href="{escape(link)}" rel="noreferrer">{escape(link)}</a></p>'


def _detail_page(view: MailView) -> str:
    # The frame is sandboxed: nothing in a mail can run a script or navigate the page.
    return _document(
        view.rendered.subject,
        f"<p>To {escape(view.content.to)}, {view.row.template}, {view.row.state}. <a href='{PATH}'>All mails</a></p>"
        f"{_link_paragraph(view.rendered.link)}<pre>{escape(view.rendered.text)}</pre>"
        f'<iframe sandbox title="HTML" srcdoc="{escape(view.rendered.html)}"></iframe>',
    )
