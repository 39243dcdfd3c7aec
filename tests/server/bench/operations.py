"""The measured operations, as the requests that a load generator sends in turn."""

import json
from dataclasses import dataclass
from typing import Any

from tests.server.bench.seeding import SeededDatabase
from tests.shop import CONTRACT, PASSWORD

# The load generator replaces it by a number that never repeats.
NUMBER = "@NUMBER@"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the access token, if any, and the body."""

    token: str
    body: str


def requests(seeded: SeededDatabase) -> dict[str, list[Request]]:
    """The operations that are measured, by name."""
    account = {"email": f"new{NUMBER}@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    return {
        "Viewer": [Request("", _body("{ viewer { kind } }"))],
        "Me": [Request(one.token, _body(CONTRACT["Me"])) for one in seeded.people],
        "UpdateCustomer": [
            Request(one.token, _body(CONTRACT["UpdateCustomer"], input={"firstName": f"Ann {NUMBER}"}))
            for one in seeded.people
        ],
        "Login": [
            Request("", _body(CONTRACT["Login"], identifier=one.email, password=PASSWORD)) for one in seeded.people
        ],
        "Register": [Request("", _body(CONTRACT["Register"], input=account))],
    }


def _body(query: str, **variables: Any) -> str:
    return json.dumps({"query": query, "variables": variables})
