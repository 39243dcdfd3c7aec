"""The table of rate limits: what is counted, for whom, and how much is allowed."""

from collections.abc import Mapping

from limits import RateLimitItem, RateLimitItemPerMinute, parse

from app.platform.graphql.operations import OperationClass
from app.platform.principal import CallerKind

# Requests in any sixty seconds, in production. A guest is counted by its source, anybody else as the caller it is.
PER_MINUTE: Mapping[str, int] = {
    "source": 12_000,  # everything from one network address, by each process for itself, before anything is looked at
    "source-credentials": 60,  # register, log in, refresh, reset … from one address, as a guest or a customer
    "source-cards": 30,  # add a payment method, or begin to, by customers from one address
    "token-requests": 120,  # POST /oauth/token from one address
    "guest-reads": 600,
    "guest-writes": 120,
    "customer-reads": 600,
    "customer-writes": 120,
    "customer-credentials": 20,
    "customer-cards": 10,
    "integration-reads": 6_000,
    "integration-writes": 3_000,
    "integration-credentials": 600,
    "integration-cards": 600,
    "staff-reads": 3_000,
    "staff-writes": 600,
    "staff-credentials": 30,
    "staff-cards": 60,
}
SOURCE = "source"
SOURCE_CREDENTIALS = "source-credentials"
SOURCE_CARDS = "source-cards"
TOKEN_REQUESTS = "token-requests"


class BadPolicy(Exception):
    """PATRON_RATE_LIMITS names a policy that does not exist, or an amount that cannot be read."""


def policies(scale: float, overrides: Mapping[str, str]) -> dict[str, RateLimitItem]:
    """The limits in force: the table times `scale`, and `overrides` (`{"guest-reads": "9 per minute"}`) as they stand.

    Raise `BadPolicy`.
    """
    unknown = sorted(set(overrides) - set(PER_MINUTE))
    if unknown:
        raise BadPolicy(f"PATRON_RATE_LIMITS: there is no policy {unknown[0]}; there are {', '.join(PER_MINUTE)}.")
    table: dict[str, RateLimitItem] = {
        name: RateLimitItemPerMinute(max(1, int(amount * scale)), namespace=name) for name, amount in PER_MINUTE.items()
    }
    return table | {name: _parsed(name, text) for name, text in overrides.items()}


def _parsed(name: str, text: str) -> RateLimitItem:
    try:
        item = parse(text)
    except ValueError:
        raise BadPolicy(f"PATRON_RATE_LIMITS: write {name} as in `100 per minute` or `5 per 10 second`.") from None
    item.namespace = name
    return item


def policy_for(kind: CallerKind, operation_class: OperationClass) -> str:
    """The policy that counts what a caller does."""
    if kind is CallerKind.GUEST and operation_class is OperationClass.CREDENTIALS:
        return SOURCE_CREDENTIALS
    return f"{kind.value.lower()}-{operation_class.value}"


def card_policy_for(kind: CallerKind) -> str:
    """The policy that counts how often a caller asks about cards; guests, who may not, are counted by their source."""
    return SOURCE_CARDS if kind is CallerKind.GUEST else f"{kind.value.lower()}-cards"
