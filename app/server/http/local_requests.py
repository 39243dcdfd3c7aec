"""Tells requests made on this machine from those that came through a proxy or from elsewhere.

What development shows (mails with their links, metrics without a token) is for this machine only. A request is
local when

    its Host is a loopback address, or a name reserved for this machine or for tests (RFC 6761): no page of another site
        can have a browser send it (DNS rebinding), and a proxy for a real host does not
    no proxy has left a header
    its peer is a loopback address, or, where `private` is given, one of a private network: the bridge of a container

A proxy that rewrites Host and adds no header cannot be recognised: hence the warnings at the start of development.
"""

import re
from ipaddress import ip_address

from starlette.requests import Request

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
RESERVED_NAME = re.compile(r"(?:[a-z0-9-]+\.)*(?:localhost|test)\.?", re.IGNORECASE)


def is_local(request: Request, *, private: bool = False) -> bool:
    """Whether the request was made on this machine."""
    if any(name in request.headers for name in FORWARDED) or not is_local_host(request.headers.get("host", "")):
        return False
    try:
        peer = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return peer.is_loopback or (private and peer.is_private)


def is_local_host(host: str) -> bool:
    """Whether a host, with or without its port, is this machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if RESERVED_NAME.fullmatch(name):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
