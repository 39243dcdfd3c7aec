"""Tests of invalid requests to the token endpoint and the exact errors."""

import base64
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.accounts.oauth import assertions
from app.accounts.oauth.assertions import JWT_BEARER
from app.platform.clock import now
from tests.accounts.oauth.forms import TOKEN, assertion, basic, claims, credentials, refusal_of, send, send_assertion
from tests.shop import PASSWORD, Shop

CREDENTIALS = "client_credentials"


WRONG_FORMS: list[tuple[dict[str, str], tuple[int, str]]] = [
    ({}, (400, "invalid_request")),
    ({"grant_type": ""}, (400, "invalid_request")),
    ({"grant_type": "authorization_code"}, (400, "unsupported_grant_type")),
    ({"grant_type": CREDENTIALS}, (401, "invalid_client")),
    ({"grant_type": CREDENTIALS, "client_id": "nobody", "client_secret": "x"}, (401, "invalid_client")),
    ({"grant_type": CREDENTIALS, "client_id": str(uuid4()), "client_secret": "x"}, (401, "invalid_client")),
    ({"grant_type": CREDENTIALS, "client_id": "{id}"}, (401, "invalid_client")),
    ({"grant_type": CREDENTIALS, "client_id": "{id}", "client_secret": "wrong"}, (401, "invalid_client")),
    ({"grant_type": CREDENTIALS, "client_id": "{id}", "client_secret": "x" * 9000}, (401, "invalid_client")),
    ({"grant_type": CREDENTIALS, "client_id": "{id}", "client_secret": "x" * 20000}, (400, "invalid_request")),
    ({"grant_type": CREDENTIALS, "client_id": "{storefront}"}, (400, "unauthorized_client")),
    ({"grant_type": CREDENTIALS, "client_id": "{storefront}", "client_secret": "pk_x"}, (401, "invalid_client")),
    ({"grant_type": "password", "client_id": "{storefront}"}, (400, "invalid_request")),
    ({"grant_type": "password", "client_id": "{storefront}", "username": "a"}, (400, "invalid_request")),
    ({"grant_type": "password", "username": "a", "password": "b"}, (401, "invalid_client")),
    ({"grant_type": "refresh_token", "client_id": "{storefront}"}, (400, "invalid_request")),
    (
        {"grant_type": "refresh_token", "client_id": "{storefront}", "refresh_token": "rt_x"},
        (400, "invalid_grant"),
    ),
    ({"grant_type": JWT_BEARER}, (400, "invalid_request")),
    ({"grant_type": JWT_BEARER, "assertion": "x"}, (400, "invalid_grant")),
    ({"grant_type": JWT_BEARER, "assertion": "x" * 5000}, (400, "invalid_request")),
    ({"grant_type": JWT_BEARER, "assertion": "x", "client_id": "{id}"}, (401, "invalid_client")),
]


async def test_a_wrong_form_is_refused_and_nothing_happens(shop: Shop) -> None:
    known = {"{id}": str(shop.organization.client_id), "{storefront}": str(shop.organization.storefront_id)}
    before = await shop.counts()

    for form, expected in WRONG_FORMS:
        answer = await send(shop, **{name: known.get(value, value) for name, value in form.items()})
        assert refusal_of(answer) == expected, form
        assert ("www-authenticate" in answer.headers) == (expected[0] == 401)

    assert await shop.counts() == before


async def test_a_malformed_header_is_an_unknown_client(shop: Shop) -> None:
    right = basic(shop.organization.client_id, shop.organization.client_secret)["authorization"]
    # What is no base64 is not passed over.
    with_garbage = f"{right[:20]}!{right[20:]}"
    for authorization in ("Basic", "Basic ###", "Basic bm9jb2xvbg==", "Basic /////w==", "Bearer abc", with_garbage):
        answer = await send(shop, grant_type=CREDENTIALS, headers={"authorization": authorization})

        assert refusal_of(answer) == (401, "invalid_client"), authorization
        assert answer.headers["www-authenticate"] == 'Basic realm="token"'


async def test_a_client_is_not_known_by_the_key_of_another(shop: Shop) -> None:
    organization, other = shop.organization, await shop.create_organization("second")
    before = await shop.counts()

    for header in (
        basic(organization.client_id, other.client_secret),
        basic(organization.client_id, organization.key),
        basic(organization.client_id, ""),
        basic(other.client_id, organization.client_secret),
    ):
        assert refusal_of(await send(shop, grant_type=CREDENTIALS, headers=header)) == (401, "invalid_client")

    assert await shop.counts() == before


async def test_credentials_in_two_places_or_twice_are_refused(shop: Shop) -> None:
    header = basic(shop.organization.client_id, shop.organization.client_secret)
    secret_twice = await send(shop, grant_type=CREDENTIALS, headers=header, **credentials(shop.organization))
    other_name = await send(
        shop, grant_type=CREDENTIALS, headers=header, client_id=str(shop.organization.storefront_id)
    )
    two_headers = await shop.client.post(
        TOKEN,
        data={"grant_type": CREDENTIALS},
        headers=[("authorization", header["authorization"]), ("authorization", header["authorization"])],
    )
    parameter_twice = await shop.client.post(
        TOKEN,
        content="grant_type=client_credentials&grant_type=client_credentials",
        headers={**header, "content-type": "application/x-www-form-urlencoded"},
    )

    for answer in (secret_twice, other_name, two_headers, parameter_twice):
        assert refusal_of(answer) == (400, "invalid_request")


async def test_only_a_form_by_post_is_read(shop: Shop) -> None:
    form = {"grant_type": CREDENTIALS, **credentials(shop.organization)}

    in_address = await shop.client.post(TOKEN, params=form)
    beside_a_form = await shop.client.post(f"{TOKEN}?client_secret={shop.organization.client_secret}", data=form)
    as_json = await shop.client.post(TOKEN, json=form)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    not_text = await shop.client.post(TOKEN, content=b"grant_type=\xff", headers=kind)
    not_a_form = await shop.client.post(TOKEN, content=b"grant_type", headers=kind)
    many = await shop.client.post(TOKEN, content="&".join(f"a{n}=b" for n in range(1000)), headers=kind)
    by_get = await shop.client.get(TOKEN, params=form)

    for answer in (in_address, beside_a_form, as_json, not_text, not_a_form, many):
        assert refusal_of(answer) == (400, "invalid_request")
    assert refusal_of(by_get) == (405, "invalid_request")
    assert by_get.headers["allow"] == "POST"
    assert await shop.count("login_sessions") == 0


async def test_a_scope_wider_than_granted_is_refused(shop: Shop) -> None:
    await shop.register("ann@example.org")
    wider = await send(shop, grant_type=CREDENTIALS, scope="audit:read everything", **credentials(shop.organization))
    of_customer = await send(
        shop,
        grant_type="password",
        client_id=str(shop.organization.storefront_id),
        username="ann@example.org",
        password=PASSWORD,
        scope="customers:read",
    )
    by_assertion = await send_assertion(shop, assertion(shop.organization), scope="everything")

    for answer in (wider, of_customer, by_assertion):
        assert refusal_of(answer) == (400, "invalid_scope")
    assert await shop.count("used_assertions") == 0


NAN = float("nan")


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"iss": None},
    {"iss": "nobody"},
    {"iss": str(uuid4())},
    {"iss": 7},
    {"sub": None},
    {"sub": "sam@first.example.org"},
    {"sub": str(uuid4())},
    {"aud": None},
    {"aud": "https://another.example.org/oauth/token"},
    {"aud": []},
    {"exp": None},
    {"exp": "soon"},
    {"exp": 10**18},
    {"exp": 10**20},
    {"custom_claim": {"ratio": NAN}},
    {"exp": 1e308},
    {"exp": NAN},
    {"exp": float("inf")},
    {"exp": timedelta(minutes=-5)},
    {"exp": timedelta(minutes=11)},
    {"nbf": timedelta(minutes=1)},
    {"iat": timedelta(minutes=1)},
    {"jti": None},
    {"jti": ""},
    {"jti": 7},
    {"jti": "\ud800"},
]


async def test_an_assertion_with_a_wrong_claim_is_refused(shop: Shop) -> None:
    before = await shop.counts()

    for changes in WRONG_CLAIMS:
        moved: dict[str, Any] = {
            name: now() + value if isinstance(value, timedelta) else value for name, value in changes.items()
        }
        assert refusal_of(await send_assertion(shop, assertion(shop.organization, **moved))) == (
            400,
            "invalid_grant",
        ), changes

    assert await shop.counts() == before


async def test_an_assertion_that_the_clients_own_key_did_not_sign_is_refused(shop: Shop) -> None:
    other = await shop.create_organization("second")
    public = await shop.scalar("SELECT public_key FROM api_clients WHERE public_key IS NOT NULL LIMIT 1")
    by_stranger = assertion(shop.organization, key=Ed25519PrivateKey.generate())
    by_other_client = assertion(shop.organization, key=other.client_key)
    header, body, _ = assertion(shop.organization).split(".")
    unsigned = jwt.encode(claims(shop.organization), "", "none")
    tampered = f"{header}.{body}.{'A' * 86}"
    # Encoded by hand: the library refuses to use a public key as an HMAC secret.
    symmetric = _signed_with(public, claims(shop.organization))

    for signed in (by_stranger, by_other_client, unsigned, tampered, symmetric):
        assert refusal_of(await send_assertion(shop, signed)) == (400, "invalid_grant")


def _signed_with(public: str, payload: dict[str, Any]) -> str:
    def encode(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    plain = {**payload, "exp": int(payload["exp"].timestamp())}
    text = f"{encode(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{encode(json.dumps(plain).encode())}"
    return f"{text}.{encode(hmac.digest(public.encode(), text.encode(), 'sha256'))}"


@pytest.mark.alone("looks at whole tables")
async def test_an_assertion_is_accepted_once(shop: Shop) -> None:
    signed = assertion(shop.organization)

    first, second = await send_assertion(shop, signed), await send_assertion(shop, signed)

    assert first.status_code == 200
    assert refusal_of(second) == (400, "invalid_grant")
    assert await shop.count("login_sessions") == 1


async def test_a_used_assertion_is_forgotten_once_it_would_be_refused_as_expired(shop: Shop) -> None:
    signed = assertion(shop.organization)
    await send_assertion(shop, signed)
    assert await assertions.sweep(shop.runtime.store) == 0
    assert refusal_of(await send_assertion(shop, signed)) == (400, "invalid_grant")

    await shop.execute("UPDATE used_assertions SET expires_at = '2020-01-01 00:00:00.000000'")

    assert await assertions.sweep(shop.runtime.store) == 1


async def test_an_assertion_of_another_client_than_the_authenticated_one_is_refused(shop: Shop) -> None:
    other = await shop.create_organization("second")

    answer = await send_assertion(shop, assertion(shop.organization), **credentials(other))

    assert refusal_of(answer) == (400, "invalid_grant")
    assert await shop.count("used_assertions") == 0


async def test_a_member_of_another_organizations_staff_is_no_subject(shop: Shop) -> None:
    other = await shop.create_organization("second")

    answer = await send_assertion(shop, assertion(shop.organization, sub=str(other.staff_id)))

    assert refusal_of(answer) == (400, "invalid_grant")
    assert await shop.count("login_sessions") == 0
