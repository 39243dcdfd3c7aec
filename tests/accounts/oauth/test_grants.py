"""Tests of the four OAuth grants."""

import jwt

from app.platform.principal import Scope
from tests.accounts.oauth.forms import AUDIENCE, assertion, basic, credentials, refusal_of, send, send_assertion
from tests.shop import PASSWORD, Shop


async def kind_of(shop: Shop, token: str) -> str:
    kind: str = (await shop.ask("Viewer", token=token)).data["viewer"]["kind"]
    return kind


async def test_an_integration_gets_a_token_for_its_credentials_in_the_body_or_the_header(shop: Shop) -> None:
    in_body = await send(shop, grant_type="client_credentials", **credentials(shop.organization))
    in_header = await send(
        shop,
        grant_type="client_credentials",
        headers=basic(shop.organization.client_id, shop.organization.client_secret),
    )

    for answer in (in_body, in_header):
        assert answer.status_code == 200
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
        body = answer.json()
        assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
        assert (body["token_type"], body["scope"]) == ("Bearer", " ".join(sorted(scope.value for scope in Scope)))
        assert 890 <= body["expires_in"] <= 900
        assert await kind_of(shop, body["access_token"]) == "INTEGRATION"


async def test_a_token_carries_no_more_scopes_than_asked_for(shop: Shop) -> None:
    answer = await send(shop, grant_type="client_credentials", scope="audit:read", **credentials(shop.organization))

    assert answer.json()["scope"] == "audit:read"
    viewer = (await shop.ask("Viewer", token=answer.json()["access_token"])).data["viewer"]
    assert viewer["scopes"] == ["AUDIT_READ"]


async def test_a_storefront_gets_tokens_of_a_customer_for_name_and_password(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    answer = await send(
        shop,
        grant_type="password",
        client_id=str(shop.organization.storefront_id),
        username="ANN@example.org",
        password=PASSWORD,
    )

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token"}
    me = (await shop.ask("Me", token=body["access_token"])).data["me"]
    assert me["id"] == ann.id
    assert (await shop.audit())[-1] == "session.started"


async def test_a_refresh_token_is_exchanged_by_the_client_it_was_issued_to(shop: Shop) -> None:
    await shop.register("ann@example.org")
    name = {"client_id": str(shop.organization.storefront_id)}
    first = (await send(shop, grant_type="password", username="ann@example.org", password=PASSWORD, **name)).json()

    by_another = await send(
        shop, grant_type="refresh_token", refresh_token=first["refresh_token"], **credentials(shop.organization)
    )
    by_graphql = await shop.ask("RefreshToken", refreshToken=first["refresh_token"])
    second = await send(shop, grant_type="refresh_token", refresh_token=first["refresh_token"], **name)

    assert refusal_of(by_another) == (400, "invalid_grant")
    assert by_graphql.refusals("refreshToken") == [("TOKEN_INVALID", ["refreshToken"])]
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert await kind_of(shop, second.json()["access_token"]) == "CUSTOMER"


async def test_a_replayed_refresh_token_ends_the_session(shop: Shop) -> None:
    await shop.register("ann@example.org")
    name = {"client_id": str(shop.organization.storefront_id)}
    first = (await send(shop, grant_type="password", username="ann@example.org", password=PASSWORD, **name)).json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **name}
    second = (await send(shop, **again)).json()
    assert (await send(shop, **{**again, "refresh_token": second["refresh_token"]})).status_code == 200
    await shop.execute("UPDATE refresh_tokens SET used_at = '2020-01-01 00:00:00+00:00' WHERE used_at IS NOT NULL")

    replayed = await send(shop, **again)

    assert refusal_of(replayed) == (400, "invalid_grant")
    assert (await shop.ask("Me", token=second["access_token"])).status == 401
    assert (await shop.audit())[-1] == "session.replayed"


async def test_an_assertion_gets_a_token_that_carries_the_staff_member(shop: Shop) -> None:
    for audience in (AUDIENCE, "http://patron.test"):
        answer = await send_assertion(
            shop, assertion(shop.organization, aud=audience, custom_claim={"till": 7}), scope="audit:read"
        )

        assert answer.status_code == 200, answer.text
        payload = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        assert payload["kind"] == "STAFF"
        assert payload["scope"] == "audit:read"
        assert payload["owner"] == {"type": "Staff", "id": shop.organization.staff_id.hex}
        assert payload["org"] == shop.organization.id.hex
        assert payload["client_id"] == payload["sub"] == shop.organization.client_id.hex
        assert payload["custom_claim"] == {"till": 7}
        assert await kind_of(shop, answer.json()["access_token"]) == "STAFF"


async def test_the_id_of_a_created_staff_member_is_the_subject_of_an_assertion(shop: Shop) -> None:
    desk = await shop.integration()
    create = 'mutation { createStaffMember(input: { email: "sue@example.org" }) { staffMember { id } } }'
    staff_id = (await shop.ask(create, token=desk)).data["createStaffMember"]["staffMember"]["id"]
    ann = await shop.register("ann@example.org")

    answer = await send_assertion(shop, assertion(shop.organization, sub=staff_id))
    viewer = "{ viewer { kind staffMember { id email } } }"

    assert answer.status_code == 200, answer.text
    assert (await shop.ask(viewer, token=answer.json()["access_token"])).data["viewer"] == {
        "kind": "STAFF",
        "staffMember": {"id": staff_id, "email": "sue@example.org"},
    }
    for subject in (ann.id, staff_id[:-1], "", "sue@example.org"):
        refused = await send_assertion(shop, assertion(shop.organization, sub=subject))
        assert refusal_of(refused) == (400, "invalid_grant")


async def test_the_token_of_a_customer_names_it_as_the_owner(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    payload = jwt.decode(ann.token, options={"verify_signature": False})

    assert payload["owner"] == {"type": "Customer", "id": payload["sub"]}
    assert {"org", "kind", "scope", "sid"} <= set(payload)


async def test_a_wrong_name_and_a_wrong_password_look_the_same(shop: Shop) -> None:
    await shop.register("ann@example.org")
    client = {"client_id": str(shop.organization.storefront_id), "grant_type": "password"}

    nobody = await send(shop, username="bob@example.org", password=PASSWORD, **client)
    wrong = await send(shop, username="ann@example.org", password="not the password", **client)

    assert refusal_of(nobody) == refusal_of(wrong) == (400, "invalid_grant")
    assert nobody.json() == wrong.json()
    assert (await shop.audit())[-2:] == ["session.refused", "session.refused"]
    assert await shop.count("login_sessions") == 1


async def test_where_a_key_is_required_a_customer_still_needs_it_beside_the_token(shop: Shop) -> None:
    organization = await shop.create_organization("strict", require_api_key=True)
    await shop.register("ann@example.org", organization=organization)

    answer = await send(
        shop,
        grant_type="password",
        client_id=str(organization.storefront_id),
        username="ann@example.org",
        password=PASSWORD,
    )

    token = answer.json()["access_token"]
    assert (await shop.ask("Me", token=token)).status == 401
    assert (await shop.ask("Me", token=token, organization=organization)).data["me"]["email"] == "ann@example.org"


async def test_the_metadata_name_every_endpoint_and_grant(shop: Shop) -> None:
    document = (await shop.client.get("/.well-known/oauth-authorization-server")).json()

    assert document["issuer"] == "http://patron.test"
    assert document["token_endpoint"] == AUDIENCE
    assert document["response_types_supported"] == []
    assert len(document["grant_types_supported"]) == 4
    keys = await shop.client.get(document["jwks_uri"])
    assert [key["alg"] for key in keys.json()["keys"]] == ["EdDSA"]
    gone = await shop.client.post(document["revocation_endpoint"], data=credentials(shop.organization) | {"token": "x"})
    assert (gone.status_code, gone.content) == (200, b"")
