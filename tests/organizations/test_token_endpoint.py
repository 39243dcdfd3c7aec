"""The OAuth 2 token endpoint: what it grants, and each refusal with the error code of its RFC."""

import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client

from app.clock import now
from app.oauth.assertions import JWT_BEARER
from tests.house import House, Shop

URL = "http://patron.test/oauth/token"
CREDENTIALS = {"grant_type": "client_credentials"}


def basic(client_id: object, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def ask(house: House, form: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    return await house.client.post("/oauth/token", data=form, headers=headers or {})


def secret_of(shop: Shop) -> dict[str, str]:
    return {"client_id": str(shop.client_id), "client_secret": shop.client_secret}


def assertion(shop: Shop, *, key: str | None = None, algorithm: str = "EdDSA", **changes: Any) -> dict[str, str]:
    """A jwt-bearer request on behalf of the shop's staff member, with some claims changed; None leaves one away."""
    claims = {
        "iss": str(shop.client_id),
        "sub": str(shop.staff_id),
        "aud": URL,
        "exp": now() + timedelta(minutes=2),
        "jti": uuid4().hex,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    signer: Any = None if algorithm == "none" else key or shop.client_key
    return {"grant_type": JWT_BEARER, "assertion": jwt.encode(kept, signer, algorithm)}


def without(claim: str) -> dict[str, Any]:
    return {claim: None}


async def check_refused(house: House, answer: httpx.Response, status: int, error: str, before: dict[str, int]) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert await house.counts() == before


async def test_client_credentials_give_a_token_of_the_integration(house: House) -> None:
    for form, headers in (
        ({**CREDENTIALS, **secret_of(house.shop)}, {}),
        (CREDENTIALS, basic(house.shop.client_id, house.shop.client_secret)),
    ):
        granted = await ask(house, form, headers)

        body = granted.json()
        assert granted.status_code == 200
        assert granted.headers["cache-control"] == "no-store"
        assert body["token_type"] == "Bearer"
        assert 890 <= body["expires_in"] <= 900
        viewer = (await house.ask("Viewer", token=body["access_token"])).data["viewer"]
        assert (viewer["kind"], " ".join(viewer["scopes"])) == ("INTEGRATION", body["scope"])


async def test_a_narrower_scope_is_granted_as_asked(house: House) -> None:
    granted = await ask(house, {**CREDENTIALS, **secret_of(house.shop), "scope": "customers:read"})

    assert granted.json()["scope"] == "customers:read"


async def test_an_ordinary_oauth_client_gets_a_token(house: House) -> None:
    for method in ("client_secret_basic", "client_secret_post"):
        client = AsyncOAuth2Client(
            str(house.shop.client_id),
            house.shop.client_secret,
            token_endpoint_auth_method=method,
            transport=house.client._transport,
        )

        token = await client.fetch_token(URL, grant_type="client_credentials")

        assert (await house.ask("Viewer", token=token["access_token"])).data["viewer"]["kind"] == "INTEGRATION"


async def test_an_assertion_gives_a_token_on_behalf_of_the_staff_member(house: House) -> None:
    granted = await ask(house, assertion(house.shop, custom_claim={"desk": "7"}))

    token = granted.json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["owner"] == {"type": "Staff", "id": house.shop.staff_id.hex}
    assert claims["custom_claim"] == {"desk": "7"}
    assert (await house.ask("Viewer", token=token)).data["viewer"]["kind"] == "STAFF"


async def test_wrong_credentials_are_an_invalid_client(house: House) -> None:
    elsewhere = await house.open_shop("elsewhere")
    shop, before = house.shop, await house.counts()
    headers = [
        basic(shop.client_id, "sk_wrong"),
        basic(shop.client_id, elsewhere.client_secret),
        basic(shop.client_id, shop.key),
        basic(uuid4(), shop.client_secret),
        basic("x", shop.client_secret),
        basic(shop.client_id, ""),
        {"authorization": "Basic !"},
        {"authorization": "Bearer x"},
        {"authorization": b"Basic \xe9".decode("latin-1")},
    ]
    for one in headers:
        raw = {name.encode(): value.encode("latin-1") for name, value in one.items()}
        answer = await house.client.post("/oauth/token", data=CREDENTIALS, headers=raw)
        await check_refused(house, answer, 401, "invalid_client", before)
    await check_refused(house, await ask(house, CREDENTIALS), 401, "invalid_client", before)


async def test_requests_that_are_none_are_invalid(house: House) -> None:
    shop, before = house.shop, await house.counts()
    twice = f"grant_type=client_credentials&client_id={shop.client_id}&client_id={shop.client_id}"
    form = {"content-type": "application/x-www-form-urlencoded"}
    for content, headers in (
        ("", form),
        ("grant_type=", form),
        ("grant_type", form),
        (twice, form),
        ("&".join(f"a{number}=1" for number in range(21)), form),
        ('{"grant_type": "client_credentials"}', {"content-type": "application/json"}),
    ):
        answer = await house.client.post("/oauth/token", content=content, headers=headers)
        await check_refused(house, answer, 400, "invalid_request", before)
    both = await ask(house, {**CREDENTIALS, **secret_of(shop)}, basic(shop.client_id, shop.client_secret))
    await check_refused(house, both, 400, "invalid_request", before)


async def test_a_scope_the_client_does_not_have_is_invalid(house: House) -> None:
    before = await house.counts()

    for scope in ("everything", "customers:read everything", "CUSTOMERS:READ"):
        answer = await ask(house, {**CREDENTIALS, **secret_of(house.shop), "scope": scope})
        await check_refused(house, answer, 400, "invalid_scope", before)


async def test_an_unknown_grant_type_is_unsupported(house: House) -> None:
    before = await house.counts()

    answer = await ask(house, {"grant_type": "telepathy", **secret_of(house.shop)})

    await check_refused(house, answer, 400, "unsupported_grant_type", before)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_an_assertion_that_is_not_right_is_an_invalid_grant(house: House) -> None:
    elsewhere = await house.open_shop("elsewhere")
    shop, before = house.shop, await house.counts()
    wrong = {
        "another key": assertion(shop, key=elsewhere.client_key),
        "another client's name": assertion(shop, iss=str(elsewhere.client_id)),
        "an unknown client": assertion(shop, iss=str(uuid4())),
        "another audience": assertion(shop, aud="https://elsewhere.example/oauth/token"),
        "another staff member": assertion(shop, sub=str(elsewhere.staff_id)),
        "nobody": assertion(shop, sub="hunter2"),
        "expired": assertion(shop, exp=now() - timedelta(seconds=31)),
        "valid for too long": assertion(shop, exp=now() + timedelta(minutes=11)),
        "valid until the end of time": assertion(shop, exp=10**300),
        "an infinite life": assertion(shop, exp=float("inf")),
        "a life in words": assertion(shop, exp="soon"),
        "not yet valid": assertion(shop, nbf=now() + timedelta(minutes=5)),
        "HS256": assertion(shop, key="x" * 32, algorithm="HS256"),
        "alg none": assertion(shop, algorithm="none"),
        "rubbish": {"grant_type": JWT_BEARER, "assertion": "a.b.c"},
        **{f"no {claim}": assertion(shop, **without(claim)) for claim in ("iss", "sub", "aud", "exp", "jti")},
    }
    for name, form in wrong.items():
        answer = await ask(house, form)
        assert answer.status_code == 400, name
        await check_refused(house, answer, 400, "invalid_grant", before)


async def test_an_assertion_works_once(house: House) -> None:
    form = assertion(house.shop)
    assert (await ask(house, form)).status_code == 200
    before = await house.counts()

    await check_refused(house, await ask(house, form), 400, "invalid_grant", before)


async def test_an_assertion_over_four_kilobytes_is_not_looked_at(house: House) -> None:
    before = await house.counts()

    for form in (assertion(house.shop, custom_claim={"a": "x" * 4096}), {"grant_type": JWT_BEARER}):
        await check_refused(house, await ask(house, form), 400, "invalid_request", before)


async def test_a_client_cannot_use_the_assertion_of_another(house: House) -> None:
    elsewhere = await house.open_shop("elsewhere")
    before = await house.counts()

    answer = await ask(house, {**assertion(elsewhere), **secret_of(house.shop)})

    await check_refused(house, answer, 400, "invalid_grant", before)
