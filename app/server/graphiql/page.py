"""The GraphiQL page and its Content-Security-Policy."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from app.server.graphiql.tabs import EXAMPLES, Group, Tab

CONTENT_SECURITY_POLICY: Final = "; ".join(  # noqa: FLY002 - one directive a line
    (
        "default-src 'none'",
        "script-src 'self'",
        # The hash is that of the style element with which GraphiQL's dialogs and menus stop the page from scrolling.
        # The browser test opens them, so it fails when a new GraphiQL needs another hash.
        "style-src 'self' 'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='",
        "connect-src 'self'",
        # Its style sheet has images and fonts as data URLs.
        "img-src data:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Patron · GraphiQL</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{assets}/graphiql.min.css">
<link rel="stylesheet" href="{assets}/start.css">
<script type="application/json" id="configuration">{configuration}</script>
<script defer src="{assets}/react.production.min.js"></script>
<script defer src="{assets}/react-dom.production.min.js"></script>
<script defer src="{assets}/graphiql.min.js"></script>
<script defer src="{assets}/start.js"></script>
</head>
<body>
<div id="graphiql"><noscript>GraphiQL needs JavaScript.</noscript></div>
</body>
</html>
"""


def render_page(
    *,
    endpoint: str,
    assets: str,
    headers: Mapping[str, str],
    tabs: Iterable[Tab] = EXAMPLES,
    groups: Sequence[Group] = (),
) -> str:
    """The HTML of GraphiQL for the GraphQL endpoint at the path `endpoint`, with its files at the path `assets`.

    A panel lists the operations of `groups`, to be opened in tabs.
    `headers` are shown in the header editor of every tab, so everybody who opens the page can read them: publishable
    values only. Serve it with `CONTENT_SECURITY_POLICY`; it has no inline script, so it needs no nonce.
    """
    configuration = {
        "endpoint": endpoint,
        "headers": dict(headers),
        "tabs": [{"query": tab.document, "variables": tab.variables} for tab in tabs],
        "groups": [
            {
                "name": group.name,
                "operations": [
                    {"name": one.name, "query": one.document, "variables": one.variables} for one in group.operations
                ],
            }
            for group in groups
        ],
    }
    return PAGE.format(assets=escape(assets.rstrip("/")), configuration=json_for_script(configuration))


def json_for_script(value: object) -> str:
    """JSON that is safe in a script element: it cannot end the element or open a comment (HTML § 4.12.1.3)."""
    # json itself escapes everything outside ASCII, including U+2028 and U+2029.
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
