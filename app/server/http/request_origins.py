"""The origin of a request as stories see it: the caller, the request id, the source, what the client says of itself."""

from starlette.requests import Request

from app.platform.limits import source_rate_limit
from app.platform.principal import Principal, RequestOrigin

USER_AGENT_MAX = 256


def request_origin(request: Request, principal: Principal) -> RequestOrigin:
    """The origin of a request by this caller."""
    return RequestOrigin(
        principal,
        request.scope["request_id"],
        request.scope[source_rate_limit.SOURCE_KEY],
        request.headers.get("user-agent", "")[:USER_AGENT_MAX],
        request.headers.get("x-device-token"),
        request.headers.get("accept-language", ""),
    )
