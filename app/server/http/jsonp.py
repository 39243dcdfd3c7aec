"""JSONP: guests' queries answered as a call of a JavaScript function, for pages too old for CORS; off by default."""

import re

from starlette.requests import Request
from starlette.responses import Response

from app.platform.graphql.http import BadRequest

CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,63}", re.ASCII)
PARAMETER = "callback"
HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")
DROPPED_HEADERS = {"content-length", "content-type", "www-authenticate"}


def callback(request: Request, *, enabled: bool) -> str | None:
    """The function to call with the response; None when the request names none. Raise `BadRequest`."""
    # Most requests have no query string; do not parse it then.
    given = request.query_params.getlist(PARAMETER) if request.scope["query_string"] else []
    if not given:
        return None
    if not enabled:
        raise BadRequest(400, "JSONP (the parameter callback) is off here.")
    if request.method != "GET":
        raise BadRequest(400, "JSONP (the parameter callback) goes with GET only.")
    if len(given) != 1 or not CALLBACK.fullmatch(given[0]):
        raise BadRequest(400, "The parameter callback must be the name of a function, at most 64 characters.")
    if "authorization" in request.headers:
        # Any page could include the script, so it must not contain anything private.
        raise BadRequest(400, "JSONP (the parameter callback) is for guests: send no Authorization.")
    return given[0]


def script_source(request: Request, path: str) -> str:
    """A Content-Security-Policy source that allows the files below `path`, but not GraphQL responses."""
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host}{path}/" if HOST.fullmatch(host) else "'none'"


def as_script(response: Response, name: str) -> Response:
    """The response as a script. GraphQL errors get status 200: browsers do not run scripts of other statuses."""
    # The comment prevents the caller from choosing the first bytes. Older engines treat U+2028 and U+2029 as line ends.
    body = bytes(response.body).replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    script = Response(
        b"/**/" + name.encode() + b"(" + body + b");", 200, media_type="application/javascript; charset=utf-8"
    )
    kept = {key: value for key, value in response.headers.items() if key not in DROPPED_HEADERS}
    script.headers.update(kept)
    if response.status_code == 429:  # noqa: PLR2004 - an HTTP status
        script.status_code = response.status_code
    return script
