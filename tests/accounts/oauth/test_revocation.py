"""Tokens given back (RFC 7009)."""

from tests.accounts.oauth.forms import REVOKE, assertion, basic, bear, credentials, refused, send
from tests.house import PASSWORD, House


async def test_a_revoked_access_or_refresh_token_takes_the_other_with_it(house: House) -> None:
    await house.register("ann@example.org")
    name = {"client_id": str(house.shop.storefront_id)}
    for revoked, hint in (("access_token", "refresh_token"), ("refresh_token", "nonsense")):
        tokens = (
            await send(house, grant_type="password", username="ann@example.org", password=PASSWORD, **name)
        ).json()

        answer = await send(house, REVOKE, token=tokens[revoked], token_type_hint=hint, **name)

        assert (answer.status_code, answer.content) == (200, b"")
        assert (await house.ask("Me", token=tokens["access_token"])).status == 401
        again = await send(house, grant_type="refresh_token", refresh_token=tokens["refresh_token"], **name)
        assert refused(again) == (400, "invalid_grant")
        assert (await house.audit())[-1] == "session.ended"


async def test_an_integration_revokes_its_own_tokens(house: House) -> None:
    plain = await send(house, grant_type="client_credentials", **credentials(house.shop))
    on_behalf = await bear(house, assertion(house.shop))
    header = basic(house.shop.client_id, house.shop.client_secret)

    for answer in (plain, on_behalf):
        token = answer.json()["access_token"]
        assert (await send(house, REVOKE, token=token, headers=header)).status_code == 200
        assert (await house.ask("Viewer", token=token)).status == 401


async def test_an_unknown_dead_or_foreign_token_is_no_error_and_nothing_happens(house: House) -> None:
    other = await house.open_shop("second")
    foreign = (await send(house, grant_type="client_credentials", **credentials(other))).json()["access_token"]
    own = (await send(house, grant_type="client_credentials", **credentials(house.shop))).json()["access_token"]
    await send(house, REVOKE, token=own, **credentials(house.shop))
    before = await house.counts()

    for token in ("x", "rt_x", "x" * 5000, foreign, own, f"{foreign}x"):
        answer = await send(house, REVOKE, token=token, **credentials(house.shop))
        assert (answer.status_code, answer.content) == (200, b"")

    assert await house.counts() == before
    assert (await house.ask("Viewer", token=foreign)).data["viewer"]["kind"] == "INTEGRATION"


async def test_a_token_of_another_client_is_refused(house: House) -> None:
    ann = await house.register("ann@example.org")
    integration = (await send(house, grant_type="client_credentials", **credentials(house.shop))).json()
    storefront = {"client_id": str(house.shop.storefront_id)}

    for token in (ann.token, ann.refresh_token, integration["access_token"]):
        assert refused(await send(house, REVOKE, token=token, **storefront)) == (400, "invalid_grant")

    assert (await house.ask("Me", token=ann.token)).data["me"]["id"] == ann.id


async def test_who_revokes_says_who_it_is_and_what(house: House) -> None:
    token = (await send(house, grant_type="client_credentials", **credentials(house.shop))).json()["access_token"]

    assert refused(await send(house, REVOKE, token=token)) == (401, "invalid_client")
    wrong = await send(house, REVOKE, token=token, client_id=str(house.shop.client_id), client_secret="wrong")
    assert refused(wrong) == (401, "invalid_client")
    assert refused(await send(house, REVOKE, **credentials(house.shop))) == (400, "invalid_request")
    by_get = await house.client.get(REVOKE, params={"token": token})
    assert (refused(by_get), by_get.headers["allow"]) == ((405, "invalid_request"), "POST")
    assert (await house.ask("Viewer", token=token)).data["viewer"]["kind"] == "INTEGRATION"
