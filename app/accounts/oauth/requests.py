"""Parser of OAuth requests: form-encoded POST bodies without repeated parameters (RFC 6749, section 3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest

from app.accounts.oauth.errors import InvalidRequest
from app.platform.graphql.http import BadRequest, read_body

FORM = "application/x-www-form-urlencoded"
FORM_MAX = 16 * 1024
FIELDS_MAX = 20
USER_AGENT_MAX = 256


@dataclass(frozen=True, slots=True)
class OAuthRequest:
    """The parsed form, the Authorization header, and the origin of the request."""

    form: Mapping[str, str]
    authorization: str | None
    request_id: str
    source: bytes
    user_agent: str = ""
    device_token: str | None = None

    def require(self, name: str) -> str:
        """The value of a required parameter; raise `InvalidRequest`."""
        value = self.form.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value


async def read_request(request: HttpRequest, *, source: bytes) -> OAuthRequest:
    """Parse the request of a client; raise `InvalidRequest` unless it is a form sent by POST."""
    if request.method != "POST":
        raise InvalidRequest("Use POST.", 405, Allow="POST")
    if request.url.query:
        # URLs end up in logs and browser histories.
        raise InvalidRequest("Send all parameters in the body, none in the address.")
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise InvalidRequest("The header Authorization is there more than once.")
    return OAuthRequest(
        await _form(request),
        headers[0] if headers else None,
        request.scope["request_id"],
        source,
        request.headers.get("user-agent", "")[:USER_AGENT_MAX],
        request.headers.get("x-device-token"),
    )


async def _form(request: HttpRequest) -> dict[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise InvalidRequest(f"Send a form ({FORM}).")
    try:
        body = (await read_body(request, FORM_MAX)).decode()
        pairs = parse_qsl(
            body, keep_blank_values=True, strict_parsing=bool(body), errors="strict", max_num_fields=FIELDS_MAX
        )
    except BadRequest as error:
        raise InvalidRequest(str(error)) from None
    except ValueError:
        raise InvalidRequest("The form cannot be read.") from None
    if len(dict(pairs)) != len(pairs):
        raise InvalidRequest("A parameter is there more than once.")
    # RFC 6749, section 3.2: a parameter without a value is treated as omitted.
    return {name: value for name, value in pairs if value}
