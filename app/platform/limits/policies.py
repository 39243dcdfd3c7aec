"""Rate-limit policies: what is counted, for whom, and how much is allowed.

    request                          guest                 customer                          integration, staff
    any, per process                 source                source                            source
    query                            guest-reads           customer-reads                    KIND-reads
    other mutation                   guest-writes          customer-writes                   KIND-writes
    mutation with `credentials`      source-credentials    source- and customer-credentials  KIND-credentials
    card check, in addition          source-cards          source- and customer-cards        KIND-cards
    token or revocation request      token-requests, by source
    mail asked for by anybody        recipient-mails, by address and kind of mail
    refresh                          source-refresh-failures, only counted when it fails; else session-refreshes

`source` and `source-…` count the network address, `guest-…` too; all others count the acting customer, staff member or
client. Where two policies apply, the request has to pass both.
"""

from collections.abc import Mapping

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute, parse

from app.platform.graphql.operations import OperationClass
from app.platform.principal import CallerKind

# Requests within sixty seconds, in production.
PER_MINUTE: Mapping[str, int] = {
    "source": 12_000,  # all requests of one network address, in each process separately, before parsing
    "source-credentials": 60,  # register, log in, refresh, reset … by guests and customers of one address
    "source-refresh-failures": 60,  # refreshes from one address with a token that was never issued
    "session-refreshes": 30,  # refreshes of one session
    "source-cards": 30,  # card checks by guests and customers of one address
    "recipient-mails": 5,  # mails of one kind to one address, known or not: within an hour
    "token-requests": 120,  # token and revocation requests from one address
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
RECIPIENT_MAILS = "recipient-mails"
HOURLY = frozenset({RECIPIENT_MAILS})
SOURCE_REFRESH_FAILURES = "source-refresh-failures"
SESSION_REFRESHES = "session-refreshes"
TOKEN_REQUESTS = "token-requests"


class BadPolicy(Exception):
    """PATRON_RATE_LIMITS names a policy that does not exist."""


def policies(scale: float, overrides: Mapping[str, str]) -> dict[str, RateLimitItem]:
    """The policies in force: the table times `scale`; `overrides` (`{"guest-reads": "9 per minute"}`) are not scaled.

    Raise `BadPolicy`.
    """
    unknown = sorted(set(overrides) - set(PER_MINUTE))
    if unknown:
        raise BadPolicy(f"PATRON_RATE_LIMITS: there is no policy {unknown[0]}; there are {', '.join(PER_MINUTE)}.")
    table: dict[str, RateLimitItem] = {
        name: (RateLimitItemPerHour if name in HOURLY else RateLimitItemPerMinute)(
            max(1, int(amount * scale)), namespace=name
        )
        for name, amount in PER_MINUTE.items()
    }
    return table | {name: _parsed(name, text) for name, text in overrides.items()}


def _parsed(name: str, amount: str) -> RateLimitItem:
    item = parse(amount)
    item.namespace = name
    return item


def policy_for(kind: CallerKind, operation_class: OperationClass) -> str:
    """The policy for an operation of this class."""
    if operation_class is OperationClass.REFRESHES:
        return SOURCE_REFRESH_FAILURES
    if kind is CallerKind.GUEST and operation_class is OperationClass.CREDENTIALS:
        return SOURCE_CREDENTIALS
    return f"{kind.value.lower()}-{operation_class.value}"


def card_policy_for(kind: CallerKind) -> str:
    """The policy for card checks. Guests, who may not make any, are counted by source."""
    return SOURCE_CARDS if kind is CallerKind.GUEST else f"{kind.value.lower()}-cards"
