"""Builders of the OAuth tests: forms, client credentials, assertions, errors."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt

from app.accounts.oauth.assertions import JWT_BEARER
from app.platform.clock import now
from tests.shop import SeededOrganization, Shop

TOKEN = "/oauth/token"
REVOKE = "/oauth/revoke"
AUDIENCE = "http://patron.test/oauth/token"


async def send(shop: Shop, path: str = TOKEN, *, headers: Any = None, **form: Any) -> httpx.Response:
    """Post a form."""
    return await shop.client.post(path, data=form, headers=headers)


def credentials(organization: SeededOrganization) -> dict[str, str]:
    """The integration's client credentials, for the body of a form."""
    return {"client_id": str(organization.client_id), "client_secret": organization.client_secret}


def basic(client_id: object, secret: str) -> dict[str, str]:
    """An Authorization header with HTTP Basic credentials."""
    return {"authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def claims(organization: SeededOrganization, **changes: Any) -> dict[str, Any]:
    """The claims of a valid assertion, with changes; None removes a claim."""
    found = {
        "iss": str(organization.client_id),
        "sub": str(organization.staff_id),
        "aud": AUDIENCE,
        "exp": now() + timedelta(minutes=2),
        "jti": uuid4().hex,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def assertion(organization: SeededOrganization, *, key: Any = None, algorithm: str = "EdDSA", **changes: Any) -> str:
    """A signed assertion of the organization's integration."""
    # Not `jwt.encode`: it refuses to sign some of the invalid assertions that the tests need.
    payload = json.dumps(claims(organization, **changes), default=lambda moment: int(moment.timestamp())).encode()
    return jwt.PyJWS().encode(payload, organization.client_key if key is None else key, algorithm)


async def send_assertion(shop: Shop, signed: str, **form: Any) -> httpx.Response:
    """Send an assertion."""
    return await send(shop, grant_type=JWT_BEARER, assertion=signed, **form)


def refusal_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and error of a refusal; asserts the headers and the body that every refusal has."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert set(answer.json()) == {"error", "error_description"}
    return answer.status_code, answer.json()["error"]
