"""Tests of API clients: creation, secret rotation, revocation, last use."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from app.accounts.organizations.last_used import LastUsedTracker
from app.platform.principal import Scope
from tests.accounts.oauth.forms import assertion, refusal_of, send, send_assertion
from tests.shop import PASSWORD, Shop

FIELDS = "id clientId kind name scopes publicKeys lastUsedAt previousKeyUntil revokedAt"
CREATE = f"""mutation ($input: CreateApiClientInput!) {{ createApiClient(input: $input) {{
    apiClient {{ {FIELDS} }} secret userErrors {{ code field }} }} }}"""
ROTATE = f"""mutation ($id: ID!, $hours: Int! = 24) {{
    rotateApiClientSecret(input: {{ id: $id, overlapHours: $hours }}) {{
    apiClient {{ {FIELDS} }} secret userErrors {{ code field }} }} }}"""
REVOKE = f"""mutation ($id: ID!) {{ revokeApiClient(input: {{ id: $id }}) {{
    apiClient {{ {FIELDS} }} userErrors {{ code field }} }} }}"""
LIST = f"{{ apiClients {{ {FIELDS} }} }}"


def pem(private: Any) -> str:
    public: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public.decode()


def secret_pem(private: Any) -> str:
    found: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found.decode()


async def create(shop: Shop, **values: Any) -> dict[str, Any]:
    answer = await shop.ask(CREATE, token=await shop.integration(), input=values)
    payload: dict[str, Any] = answer.payload("createApiClient")
    return payload


async def token_status(shop: Shop, client_id: str, secret: str) -> int:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return (await send(shop, **form)).status_code


async def key_status(shop: Shop, key: str) -> int:
    return (await shop.post({"query": "{ viewer { kind } }"}, **{"x-api-key": key})).status


async def test_a_confidential_client_gets_tokens_with_the_secret_it_was_shown_once(shop: Shop) -> None:
    made = await create(shop, kind="CONFIDENTIAL", name="Warehouse", scopes=["CUSTOMERS_READ"])

    assert made["secret"].startswith("sk_")
    assert made["apiClient"]["scopes"] == ["CUSTOMERS_READ"]
    assert await token_status(shop, made["apiClient"]["clientId"], made["secret"]) == 200
    listed = await shop.ask(LIST, token=await shop.integration())
    assert [one["name"] for one in listed.data["apiClients"]] == ["Storefront", "Back office", "Warehouse"]
    assert made["secret"] not in str(listed.body)
    assert (await shop.audit())[-2:] == ["client.created", "client.token_issued"]


async def test_a_publishable_client_admits_guests(shop: Shop) -> None:
    made = await create(shop, kind="PUBLISHABLE", name="Kiosk")

    assert made["secret"].startswith("pk_")
    assert await key_status(shop, made["secret"]) == 200


async def test_keys_of_three_kinds_verify_assertions_and_each_of_several_does(shop: Shop) -> None:
    keys = {
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "RS256": rsa.generate_private_key(65537, 2048),
    }
    made = await create(shop, kind="CONFIDENTIAL", name="Till", publicKeys=[pem(key) for key in keys.values()])

    assert len(made["apiClient"]["publicKeys"]) == 3
    for algorithm, key in keys.items():
        signed = assertion(shop.organization, key=key, algorithm=algorithm, iss=made["apiClient"]["clientId"])
        assert (await send_assertion(shop, signed)).status_code == 200, algorithm


async def test_a_wrong_client_is_refused_with_every_wrong_field(shop: Shop) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP384R1())
    private = secret_pem(ed25519.Ed25519PrivateKey.generate())
    good = pem(ed25519.Ed25519PrivateKey.generate())
    narrow = await shop.integration(Scope.ORGANIZATION_WRITE, Scope.CUSTOMERS_READ)
    before = await shop.counts()
    cases: list[tuple[dict[str, Any], list[tuple[str, list[str]]]]] = [
        (
            {"kind": "CONFIDENTIAL", "name": " ", "scopes": ["AUDIT_READ"], "publicKeys": ["x"]},
            [("REQUIRED", ["name"]), ("NOT_ALLOWED", ["scopes"]), ("INVALID", ["publicKeys"])],
        ),
        ({"kind": "PUBLISHABLE", "name": "K", "scopes": ["CUSTOMERS_READ"]}, [("INVALID", ["scopes"])]),
        ({"kind": "PUBLISHABLE", "name": "K", "publicKeys": [good]}, [("INVALID", ["publicKeys"])]),
        ({"kind": "CONFIDENTIAL", "name": "K", "publicKeys": [pem(weak)]}, [("INVALID", ["publicKeys"])]),
        ({"kind": "CONFIDENTIAL", "name": "K", "publicKeys": [pem(curve)]}, [("INVALID", ["publicKeys"])]),
        ({"kind": "CONFIDENTIAL", "name": "K", "publicKeys": [private]}, [("INVALID", ["publicKeys"])]),
        ({"kind": "CONFIDENTIAL", "name": "K", "publicKeys": [good * 50]}, [("TOO_LONG", ["publicKeys"])]),
        ({"kind": "CONFIDENTIAL", "name": "K", "publicKeys": [good] * 4}, [("TOO_LONG", ["publicKeys"])]),
    ]

    for values, expected in cases:
        assert (await shop.ask(CREATE, token=narrow, input=values)).refusals("createApiClient") == expected, values

    assert await shop.counts() == before


async def test_after_a_rotation_both_secrets_work_until_the_overlap_ends(shop: Shop) -> None:
    token = await shop.integration()
    made = await create(shop, kind="CONFIDENTIAL", name="Warehouse", scopes=["CUSTOMERS_READ"])
    name, old = made["apiClient"]["clientId"], made["secret"]

    rotated = (await shop.ask(ROTATE, token=token, id=made["apiClient"]["id"], hours=1)).payload(
        "rotateApiClientSecret"
    )

    assert rotated["apiClient"]["previousKeyUntil"] is not None
    assert [await token_status(shop, name, one) for one in (old, rotated["secret"])] == [200, 200]
    await shop.execute("UPDATE api_clients SET previous_key_until = '2020-01-01 00:00:00.000000'")
    assert [await token_status(shop, name, one) for one in (old, rotated["secret"])] == [401, 200]


async def test_a_rotated_publishable_key_works_until_the_overlap_ends_and_without_one_dies_at_once(
    shop: Shop,
) -> None:
    token = await shop.integration()
    made = await create(shop, kind="PUBLISHABLE", name="Kiosk")
    client_id = made["apiClient"]["id"]

    second = (await shop.ask(ROTATE, token=token, id=client_id)).payload("rotateApiClientSecret")["secret"]
    assert [await key_status(shop, key) for key in (made["secret"], second)] == [200, 200]
    third = (await shop.ask(ROTATE, token=token, id=client_id, hours=0)).payload("rotateApiClientSecret")["secret"]

    assert [await key_status(shop, key) for key in (made["secret"], second, third)] == [401, 401, 200]


async def test_rotating_the_secret_of_a_client_with_more_scopes_is_refused(shop: Shop) -> None:
    narrow = await shop.integration(Scope.ORGANIZATION_WRITE)
    wide = (await shop.ask(LIST, token=narrow)).data["apiClients"][1]

    refusals = (await shop.ask(ROTATE, token=narrow, id=wide["id"])).refusals("rotateApiClientSecret")
    too_long = (await shop.ask(ROTATE, token=narrow, id=wide["id"], hours=999)).refusals("rotateApiClientSecret")

    assert refusals == [("NOT_ALLOWED", ["id"])]
    assert too_long == [("INVALID", ["overlapHours"])]
    assert await token_status(shop, str(shop.organization.client_id), shop.organization.client_secret) == 200


async def test_a_revoked_client_and_all_it_got_is_dead_at_the_next_request(shop: Shop) -> None:
    await shop.register("ann@example.org")
    token = await shop.integration()
    made = await create(shop, kind="CONFIDENTIAL", name="App", scopes=["CUSTOMERS_READ"])
    mine = {"client_id": made["apiClient"]["clientId"], "client_secret": made["secret"]}
    plain = (await send(shop, grant_type="client_credentials", **mine)).json()
    customer = (await send(shop, grant_type="password", username="ann@example.org", password=PASSWORD, **mine)).json()

    revoked = await shop.ask(REVOKE, token=token, id=made["apiClient"]["id"])

    assert revoked.payload("revokeApiClient")["apiClient"]["revokedAt"] is not None
    for dead in (plain["access_token"], customer["access_token"]):
        assert (await shop.ask("Viewer", token=dead)).status == 401
    again = await send(shop, grant_type="refresh_token", refresh_token=customer["refresh_token"], **mine)
    assert refusal_of(again) == (401, "invalid_client")
    twice = await shop.ask(REVOKE, token=token, id=made["apiClient"]["id"])
    assert twice.refusals("revokeApiClient") == [("NOT_FOUND", ["id"])]


@pytest.mark.parametrize("kind", ["PUBLISHABLE", "CONFIDENTIAL"])
async def test_the_last_use_is_remembered_at_most_once_a_minute(shop: Shop, kind: str) -> None:
    made = await create(shop, kind=kind, name="Kiosk")
    uses = shop.runtime.services.get(LastUsedTracker)

    async def use() -> None:
        if kind == "PUBLISHABLE":
            await key_status(shop, made["secret"])
        else:
            await token_status(shop, made["apiClient"]["clientId"], made["secret"])
        await uses.drain()

    async def last() -> str | None:
        listed = (await shop.ask(LIST, token=await shop.integration())).data["apiClients"]
        found: str | None = next(one for one in listed if one["id"] == made["apiClient"]["id"])["lastUsedAt"]
        return found

    assert await last() is None
    await use()
    first = await last()
    await use()
    assert first is not None
    assert await last() == first
