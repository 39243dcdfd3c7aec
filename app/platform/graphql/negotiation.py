"""Media types and statuses of responses, as GraphQL over HTTP (September 2026) has them.

    response                                       graphql-response+json   json
    data, no errors                                200                     200
    data (or null) with errors                     294                     200
    the document cannot be parsed                  400                     200
    the document or its variables are not valid    422                     200
    refused before GraphQL runs                    4xx                     4xx
    no root field, for an outage of a database     503                     503

Where it differs from what is recommended: who accepts `application/json` and not the specification's own type gets JSON
with 200 for request errors, and no 4xx of the other type. Such clients are older than the specification: they read
`errors` from a 200, and take any other status for a failure of the network.
"""

from collections.abc import Mapping
from typing import Any

GRAPHQL_RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
PARTIAL_SUCCESS = 294
NOT_VALID = frozenset({"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"})
# By how closely a range of RFC 9110, section 12.5.1, names a type.
RANGES = {
    GRAPHQL_RESPONSE_JSON: (GRAPHQL_RESPONSE_JSON, "application/*", "*/*"),
    JSON: (JSON, "application/*", "*/*"),
}


def media_type(accept: str | None) -> str:
    """The media type of the response for an `Accept` header.

    Of equal weights, the specification's type if it is named, else plain JSON. A header that admits neither is
    disregarded: an answer in JSON says more than a 406.
    """
    weights = _weights(accept or "*/*")
    own, plain = (_weight(weights, RANGES[one]) for one in (GRAPHQL_RESPONSE_JSON, JSON))
    if own <= 0 and plain <= 0:
        return JSON
    if own == plain:
        return GRAPHQL_RESPONSE_JSON if GRAPHQL_RESPONSE_JSON in weights else JSON
    return GRAPHQL_RESPONSE_JSON if own > plain else JSON


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        weight = next((one[2:].strip() for one in parameters if one.startswith("q=")), "1")
        weights[name] = _number(weight)
    return weights


def _number(weight: str) -> float:
    try:
        return min(1.0, max(0.0, float(weight)))
    except ValueError:
        return 0.0


def _weight(weights: Mapping[str, float], ranges: tuple[str, ...]) -> float:
    return next((weights[one] for one in ranges if one in weights), 0.0)


def status(result: Mapping[str, Any], media: str) -> int:
    """The HTTP status of a GraphQL response that is no outage."""
    if media != GRAPHQL_RESPONSE_JSON or "errors" not in result:
        return 200
    if "data" in result:
        return PARTIAL_SUCCESS
    codes = {error.get("extensions", {}).get("code") for error in result["errors"]}
    return 422 if codes <= NOT_VALID else 400
