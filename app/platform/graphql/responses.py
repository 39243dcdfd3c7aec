"""What is done to a response before it is sent: caching of reference data, and compression.

| Response                                          | Cache-Control           | ETag | Compressed |
| ------------------------------------------------- | ----------------------- | ---- | ---------- |
| GET, guest, reference data only, without errors   | `public`, for 5 minutes | yes  | over 1 KB  |
| any other query                                   | `no-store`              | no   | over 1 KB  |
| a mutation, which may answer a token or a secret  | `no-store`              | no   | never      |

The length of a compressed response tells what repeats in it: who can make a browser send requests with text of his own
could guess a secret beside it (BREACH). Secrets are answered by mutations only. What queries answer is sent to whoever
has a bearer token, which no other origin can make a browser send, or a session cookie, which counts from listed origins
only.
"""

import gzip
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from app.platform.graphql.operations import Operation
from app.platform.principal import CallerKind, Principal

MIN_BYTES = 1024
LEVEL = 5
MAX_AGE_SECONDS = 300
# What the answer depends on, beside the address.
VARIES_BY = "Accept, Accept-Language, Authorization, X-Api-Key"


def finish(
    request: Request, response: Response, operation: Operation, principal: Principal, *, has_errors: bool
) -> Response:
    """The response with what the table of the module says, or 304 for one that the client has."""
    if operation.kind != "query":
        return response
    is_reference = request.method == "GET" and operation.is_reference and principal.kind is CallerKind.GUEST
    if is_reference and not has_errors:
        tag = f'W/"{sha256(response.body).hexdigest()[:32]}"'
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
        response.headers["ETag"] = tag
        by_cookie = ", Cookie" if principal.organization.settings.cookie_sessions else ""
        response.headers["Vary"] = VARIES_BY + by_cookie
        if tag in _tags(request.headers.get("if-none-match", "")):
            kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
            return Response(status_code=304, headers=kept)
    if len(response.body) >= MIN_BYTES and _accepts_gzip(request.headers.get("accept-encoding", "")):
        _compress(response)
    return response


def _tags(header: str) -> set[str]:
    return {one.strip() for one in header.split(",")}


def _accepts_gzip(header: str) -> bool:
    """Whether gzip is acceptable (RFC 9110, section 12.5.3): named, or any is, and not with the quality 0."""
    found = {}
    for part in header.lower().split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        quality = next((one.removeprefix("q=") for one in parameters if one.startswith("q=")), "1")
        found[name] = quality.strip("0.") != ""
    return found.get("gzip", found.get("*", False))


def _compress(response: Response) -> None:
    response.body = gzip.compress(bytes(response.body), compresslevel=LEVEL, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    response.headers.add_vary_header("Accept-Encoding")
