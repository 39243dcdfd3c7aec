"""Makes the ZIP file of an export: JSON with its schema, a CSV file for each section, and a page to read.

data.json            all sections; `export.schema.json` describes it
export.schema.json   JSON Schema, draft 2020-12
<section>.csv        UTF-8 with a byte order mark, as spreadsheets need; nested values have names with dots
index.html           the same for people, without scripts, with purposes, recipients and rights (GDPR, Art. 15 (1))
"""

import csv
import io
import json
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from app.privacy.exports.sections import Rows, Section

FOLDER = Path(__file__).parent
SCHEMA = "export.schema.json"
VERSION = 1
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#18181b}"
    "table{border-collapse:collapse;margin:.5em 0 2em;display:block;overflow-x:auto}"
    "th,td{border:1px solid #a1a1aa;padding:.25em .6em;text-align:left;vertical-align:top}th{background:#f4f4f5}"
)
# A telephone number, an amount or a degree begins like a formula, and is none.
LOOKS_LIKE_A_NUMBER = re.compile(r"[+-][0-9][0-9 .()/-]*")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def make(
    sections: Mapping[Section, Rows], *, organization: str, customer_id: str, created_at: datetime, language: str
) -> bytes:
    """The ZIP file."""
    plain = {section: [_plain(row) for row in rows] for section, rows in sections.items()}
    data = {
        "version": VERSION,
        "organization": organization,
        "customerId": customer_id,
        "createdAt": _plain(created_at),
        **{section.value: rows for section, rows in plain.items()},
    }
    files = {
        "index.html": _page(plain, organization, created_at, language),
        "data.json": json.dumps(data, ensure_ascii=False, indent=2),
        SCHEMA: (FOLDER / SCHEMA).read_text(encoding="utf-8"),
        **{f"{section.value}.csv": _csv(rows) for section, rows in plain.items() if rows},
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, created_at.astimezone(UTC).timetuple()[:6])
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(info, text)
    return target.getvalue()


def _plain(value: Any) -> Any:
    """JSON values for what the packages export."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The values of a row with their names: `shippingAddress.city`, `fields.0`."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _flat(one, f"{name}.{number}")
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _table(rows: Rows) -> tuple[list[str], list[dict[str, str]]]:
    flat = [dict(_flat(row)) for row in rows]
    return list(dict.fromkeys(name for row in flat for name in row)), flat


def _csv(rows: Rows) -> str:
    names, flat = _table(rows)
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(names)
    writer.writerows([[_harmless(row.get(name, "")) for name in names] for row in flat])
    return "\ufeff" + target.getvalue()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: `'` in front of what would begin one."""
    is_formula = cell.startswith(("=", "@", "\t", "\r")) or (
        cell.startswith(("+", "-")) and not LOOKS_LIKE_A_NUMBER.fullmatch(cell)
    )
    return f"'{cell}" if is_formula else cell


@cache
def texts(language: str) -> Mapping[str, Any]:
    """The words of the page in one of `LANGUAGES`."""
    return tomllib.loads((FOLDER / "texts" / f"{language}.toml").read_text(encoding="utf-8"))


def _page(sections: Mapping[Section, Rows], organization: str, created_at: datetime, language: str) -> str:
    words = texts(language)
    title = escape(words["title"].format(shop=organization))
    body = [f"<h1>{title}</h1>", f"<p>{escape(words['made'].format(moment=_plain(created_at)))}</p>"]
    for section, rows in sections.items():
        its = words["sections"][section.value]
        body += [f"<h2>{escape(its['title'])}</h2>", f"<p>{escape(its['purpose'])}</p>"]
        body.append(_html_table(rows) if rows else f"<p><em>{escape(words['nothing'])}</em></p>")
    for part in ("recipients", "rights"):
        body.append(f"<h2>{escape(words[part]['title'])}</h2>")
        body += [f"<p>{escape(paragraph.format(shop=organization))}</p>" for paragraph in words[part]["text"]]
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body><main>{''.join(body)}</main></body></html>"
    )


def _html_table(rows: Rows) -> str:
    names, flat = _table(rows)
    if len(flat) == 1:
        lines = [f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in flat[0].items()]
        return f"<table>{''.join(lines)}</table>"
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = ["".join(f"<td>{escape(row.get(name, ''))}</td>" for name in names) for row in flat]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
