"""Four grants, each as its RFC says."""

import jwt

from app.platform.principal import Scope
from tests.accounts.oauth.forms import AUDIENCE, assertion, basic, bear, credentials, refused, send
from tests.house import PASSWORD, House


async def kind_of(house: House, token: str) -> str:
    kind: str = (await house.ask("Viewer", token=token)).data["viewer"]["kind"]
    return kind


async def test_an_integration_gets_a_token_for_its_credentials_in_the_body_or_the_header(house: House) -> None:
    in_body = await send(house, grant_type="client_credentials", **credentials(house.shop))
    in_header = await send(
        house, grant_type="client_credentials", headers=basic(house.shop.client_id, house.shop.client_secret)
    )

    for answer in (in_body, in_header):
        assert answer.status_code == 200
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
        body = answer.json()
        assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
        assert (body["token_type"], body["scope"]) == ("Bearer", " ".join(sorted(scope.value for scope in Scope)))
        assert 890 <= body["expires_in"] <= 900
        assert await kind_of(house, body["access_token"]) == "INTEGRATION"


async def test_a_token_carries_no_more_scopes_than_asked_for(house: House) -> None:
    answer = await send(house, grant_type="client_credentials", scope="audit:read", **credentials(house.shop))

    assert answer.json()["scope"] == "audit:read"
    viewer = (await house.ask("Viewer", token=answer.json()["access_token"])).data["viewer"]
    assert viewer["scopes"] == ["audit:read"]


async def test_a_storefront_gets_tokens_of_a_customer_for_name_and_password(house: House) -> None:
    ann = await house.register("ann@example.org")

    answer = await send(
        house,
        grant_type="password",
        client_id=str(house.shop.storefront_id),
        username="ANN@example.org",
        password=PASSWORD,
    )

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token"}
    me = (await house.ask("Me", token=body["access_token"])).data["me"]
    assert me["id"] == ann.id
    assert (await house.audit())[-1] == "session.started"


async def test_a_refresh_token_is_exchanged_by_the_client_it_was_issued_to(house: House) -> None:
    await house.register("ann@example.org")
    name = {"client_id": str(house.shop.storefront_id)}
    first = (await send(house, grant_type="password", username="ann@example.org", password=PASSWORD, **name)).json()

    by_another = await send(
        house, grant_type="refresh_token", refresh_token=first["refresh_token"], **credentials(house.shop)
    )
    by_graphql = await house.ask("RefreshToken", refreshToken=first["refresh_token"])
    second = await send(house, grant_type="refresh_token", refresh_token=first["refresh_token"], **name)

    assert refused(by_another) == (400, "invalid_grant")
    assert by_graphql.refusals("refreshToken") == [("TOKEN_INVALID", ["refreshToken"])]
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert await kind_of(house, second.json()["access_token"]) == "CUSTOMER"


async def test_a_replayed_refresh_token_ends_the_session(house: House) -> None:
    await house.register("ann@example.org")
    name = {"client_id": str(house.shop.storefront_id)}
    first = (await send(house, grant_type="password", username="ann@example.org", password=PASSWORD, **name)).json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **name}
    second = (await send(house, **again)).json()
    await house.execute("UPDATE refresh_tokens SET used_at = '2020-01-01 00:00:00+00:00' WHERE used_at IS NOT NULL")

    replayed = await send(house, **again)

    assert refused(replayed) == (400, "invalid_grant")
    assert (await house.ask("Me", token=second["access_token"])).status == 401
    assert (await house.audit())[-1] == "session.replayed"


async def test_an_assertion_gets_a_token_that_carries_the_staff_member(house: House) -> None:
    for audience in (AUDIENCE, "http://patron.test"):
        answer = await bear(house, assertion(house.shop, aud=audience, custom_claim={"till": 7}), scope="audit:read")

        assert answer.status_code == 200, answer.text
        payload = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        assert payload["kind"] == "STAFF"
        assert payload["scope"] == "audit:read"
        assert payload["owner"] == {"type": "Staff", "id": house.shop.staff_id.hex}
        assert payload["org"] == house.shop.id.hex
        assert payload["client_id"] == payload["sub"] == house.shop.client_id.hex
        assert payload["custom_claim"] == {"till": 7}
        assert await kind_of(house, answer.json()["access_token"]) == "STAFF"


async def test_the_token_of_a_customer_names_it_as_the_owner(house: House) -> None:
    ann = await house.register("ann@example.org")

    payload = jwt.decode(ann.token, options={"verify_signature": False})

    assert payload["owner"] == {"type": "Customer", "id": payload["sub"]}
    assert {"org", "kind", "scope", "sid"} <= set(payload)


async def test_a_wrong_name_and_a_wrong_password_look_the_same(house: House) -> None:
    await house.register("ann@example.org")
    client = {"client_id": str(house.shop.storefront_id), "grant_type": "password"}

    nobody = await send(house, username="bob@example.org", password=PASSWORD, **client)
    wrong = await send(house, username="ann@example.org", password="not the password", **client)

    assert refused(nobody) == refused(wrong) == (400, "invalid_grant")
    assert nobody.json() == wrong.json()
    assert (await house.audit())[-2:] == ["session.refused", "session.refused"]
    assert await house.count("sessions") == 1


async def test_where_a_key_is_required_a_customer_still_needs_it_beside_the_token(house: House) -> None:
    shop = await house.open_shop("strict", require_api_key=True)
    await house.register("ann@example.org", shop=shop)

    answer = await send(
        house,
        grant_type="password",
        client_id=str(shop.storefront_id),
        username="ann@example.org",
        password=PASSWORD,
    )

    token = answer.json()["access_token"]
    assert (await house.ask("Me", token=token)).status == 401
    assert (await house.ask("Me", token=token, shop=shop)).data["me"]["email"] == "ann@example.org"


async def test_the_metadata_name_every_endpoint_and_grant(house: House) -> None:
    document = (await house.client.get("/.well-known/oauth-authorization-server")).json()

    assert document["issuer"] == "http://patron.test"
    assert document["token_endpoint"] == AUDIENCE
    assert document["response_types_supported"] == []
    assert len(document["grant_types_supported"]) == 4
    keys = await house.client.get(document["jwks_uri"])
    assert [key["alg"] for key in keys.json()["keys"]] == ["EdDSA"]
    gone = await house.client.post(document["revocation_endpoint"], data=credentials(house.shop) | {"token": "x"})
    assert (gone.status_code, gone.content) == (200, b"")
