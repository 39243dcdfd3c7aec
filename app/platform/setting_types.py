"""Types of settings: each takes the text of a variable, and says what would be right when it is wrong."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
HTTP_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(?:/[^\s/?#]+)*")
SENDER = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
AMOUNT = re.compile(r"[1-9]\d{0,8} per (?:[1-9]\d{0,5} )?(?:second|minute|hour|day)s?")


def _http_url(text: str) -> str:
    # Clients compare the issuer character by character, and paths are added to it.
    if text and not (HTTP_URL.fullmatch(text) and _has_host_and_port(text)):
        message = "Write it as in https://accounts.example.org, without a slash at the end, ? or #."
        raise ValueError(message)
    return text


def _has_host_and_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        message = f"Use one of {', '.join(LOG_LEVELS)}."
        raise ValueError(message)
    return text.upper()


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_network(part.strip()) for part in value.split(",") if part.strip())


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        message = f"{text} is no network. Write them as in 10.0.0.0/8, 2001:db8::/48."
        raise ValueError(message) from None


def _sender(text: str) -> str:
    if not SENDER.fullmatch(text):
        message = "Write an address alone, as in no-reply@example.org."
        raise ValueError(message)
    return text


def _amounts(amounts: Mapping[str, str]) -> Mapping[str, str]:
    wrong = [name for name, text in amounts.items() if not AMOUNT.fullmatch(text)]
    if wrong:
        message = f"Write {wrong[0]} as in `100 per minute` or `5 per 10 seconds`."
        raise ValueError(message)
    return amounts


HttpUrl = Annotated[str, AfterValidator(_http_url)]
LogLevel = Annotated[str, AfterValidator(_log_level)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
Sender = Annotated[str, AfterValidator(_sender)]
RateLimitAmounts = Annotated[dict[str, str], AfterValidator(_amounts)]
