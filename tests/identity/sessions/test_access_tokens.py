"""Tests of access tokens: forged ones are refused, and valid ones can be verified with the published keys."""

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt as joserfc
from joserfc.jwk import KeySet

from app.identity.sessions.signing import SigningKeys
from app.platform.clock import now
from tests.shop import Answer, Person, Shop

ME = "{ me { id } }"


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def keys(shop: Shop) -> SigningKeys:
    return shop.runtime.services.get(SigningKeys)


async def signed(shop: Shop, person: Person, **changes: Any) -> str:
    """The person's token with other claims, signed with the right key; None removes a claim."""
    key = await keys(shop).current()
    claims = {name: value for name, value in {**claims_of(person.token), **changes}.items() if value is not None}
    return jwt.encode(claims, key.private, "EdDSA", headers={"kid": key.kid, "typ": "at+jwt"})


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def assert_refused(answer: Answer) -> None:
    assert (answer.status, answer.codes, set(answer.body)) == (401, ["UNAUTHENTICATED"], {"errors"})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def forgeries(shop: Shop, person: Person) -> dict[str, str]:
    """Forged tokens, by what is wrong with them."""
    head, body, signature = person.token.split(".")
    key, stranger = await keys(shop).current(), Ed25519PrivateKey.generate()
    claims = claims_of(person.token)
    pem = key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = key.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    unsigned = part({"alg": "none", "kid": key.kid})
    tampered = part({**claims, "sub": "0" * 32})
    hs256 = {"kid": key.kid}
    return {
        "not a token": "hunter2",
        "three dots": "...",
        "a refresh token": person.refresh_token,
        "a tampered body": f"{head}.{tampered}.{signature}",
        "a tampered signature": f"{head}.{body}.{signature[:-4]}AAAA",
        "no signature": f"{head}.{body}.",
        "alg none": f"{unsigned}.{body}.",
        "alg none with a signature": f"{unsigned}.{body}.{signature}",
        "HS256 with the public key as its secret": jwt.encode(claims, raw, "HS256", headers=hs256),
        "HS256 with the published text as its secret": _hs256(claims, pem, key.kid),
        "another key": jwt.encode(claims, stranger, "EdDSA", headers={"kid": key.kid}),
        "an unknown kid": jwt.encode(claims, stranger, "EdDSA", headers={"kid": "0" * 32}),
        "no kid": jwt.encode(claims, key.private, "EdDSA"),
        "another issuer": await signed(shop, person, iss="https://elsewhere.example"),
        "another audience": await signed(shop, person, aud="elsewhere"),
        "no audience": await signed(shop, person, aud=None),
        "no expiry": await signed(shop, person, exp=None),
        "no session": await signed(shop, person, sid=None),
        "a session that is no id": await signed(shop, person, sid="x"),
        "a session nobody has": await signed(shop, person, sid="0" * 32),
        "another organization": await signed(shop, person, org="0" * 32),
        "a body that is a list": f"{head}.{part([])}.{signature}",
        "over 4 KB": await signed(shop, person, custom_claim={"a": "x" * 5000}),
    }


def _hs256(claims: dict[str, Any], secret: bytes, kid: str) -> str:
    """A token signed by hand, as libraries refuse to use a public key as an HMAC secret."""
    signing = f"{part({'alg': 'HS256', 'kid': kid})}.{part(claims)}"
    digest = hmac.digest(secret, signing.encode(), "sha256")
    return f"{signing}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_forged_token_is_refused(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    before = await shop.counts()

    for name, token in (await forgeries(shop, ann)).items():
        assert token != ann.token, name
        assert_refused(await shop.ask(ME, token=token))

    assert await shop.counts() == before
    assert (await shop.ask(ME, token=await signed(shop, ann))).data["me"]["id"] == ann.id


async def test_an_expired_token_is_refused_even_when_it_was_verified_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")
    assert (await shop.ask(ME, token=ann.token)).data["me"]["id"] == ann.id
    later = now() + timedelta(minutes=16)

    monkeypatch.setattr("app.identity.sessions.tokens.now", lambda: later)

    assert_refused(await shop.ask(ME, token=ann.token))
    assert_refused(await shop.ask(ME, token=await signed(shop, ann, exp=int(now().timestamp()) - 1)))


async def test_a_token_works_in_its_own_organization_only(shop: Shop) -> None:
    elsewhere = await shop.create_organization("elsewhere")
    ann = await shop.register("ann@example.org")

    answer = await shop.ask(ME, token=ann.token, organization=elsewhere)

    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
    assert answer.headers["www-authenticate"] == "X-Api-Key"
    assert (await shop.ask(ME, token=ann.token, organization=shop.organization)).data["me"]["id"] == ann.id


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Bearer  ", "hunter2", "bearer x y"])
async def test_another_authorization_is_refused_and_not_taken_for_a_guest(shop: Shop, value: str) -> None:
    answer = await shop.post({"query": "{ viewer { kind } }"}, authorization=value)

    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
    assert "hunter2" not in str(answer.body)


# RFC 9864 defines newer names; libraries support EdDSA.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_the_published_keys_verify_a_token_with_an_independent_library(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    published = (await shop.client.get("/.well-known/jwks.json")).json()

    claims = joserfc.decode(ann.token, KeySet.import_key_set(published), algorithms=["EdDSA"]).claims

    assert (claims["iss"], claims["aud"], claims["kind"], claims["scope"]) == (
        "http://patron.test",
        "patron",
        "CUSTOMER",
        "",
    )
    assert claims["org"] == shop.organization.id.hex
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert {"kty", "crv", "use", "alg", "kid", "x"} == set(published["keys"][0])


async def test_tokens_stay_valid_after_a_new_signing_key(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    old = (await keys(shop).current()).kid

    new = await keys(shop).rotate()

    bob = await shop.register("bob@example.org")
    assert (await shop.ask(ME, token=bob.token)).data["me"]["id"] == bob.id
    assert (await shop.ask(ME, token=ann.token)).data["me"]["id"] == ann.id
    published = (await shop.client.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in published] == [old, new]


async def test_the_viewer_says_who_asks_for_each_kind_of_caller(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    tokens = {
        "GUEST": None,
        "CUSTOMER": ann.token,
        "INTEGRATION": await shop.integration(),
        "STAFF": await shop.staff(),
    }

    for kind, token in tokens.items():
        viewer = (await shop.ask("Viewer", token=token)).data["viewer"]
        assert viewer["kind"] == kind
        assert viewer["organization"]["slug"] == "first"
        assert bool(viewer["scopes"]) == (kind in {"INTEGRATION", "STAFF"})
        assert bool(viewer["expiresAt"]) == (kind != "GUEST")
        assert viewer["customer"] == ({"id": ann.id} if kind == "CUSTOMER" else None)
