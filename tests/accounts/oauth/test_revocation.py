"""Tests of token revocation (RFC 7009)."""

from tests.accounts.oauth.forms import REVOKE, assertion, basic, credentials, refusal_of, send, send_assertion
from tests.shop import PASSWORD, Shop


async def test_a_revoked_access_or_refresh_token_takes_the_other_with_it(shop: Shop) -> None:
    await shop.register("ann@example.org")
    name = {"client_id": str(shop.organization.storefront_id)}
    for revoked, hint in (("access_token", "refresh_token"), ("refresh_token", "nonsense")):
        tokens = (await send(shop, grant_type="password", username="ann@example.org", password=PASSWORD, **name)).json()

        answer = await send(shop, REVOKE, token=tokens[revoked], token_type_hint=hint, **name)

        assert (answer.status_code, answer.content) == (200, b"")
        assert (await shop.ask("Me", token=tokens["access_token"])).status == 401
        again = await send(shop, grant_type="refresh_token", refresh_token=tokens["refresh_token"], **name)
        assert refusal_of(again) == (400, "invalid_grant")
        assert (await shop.audit())[-1] == "session.ended"


async def test_an_integration_revokes_its_own_tokens(shop: Shop) -> None:
    plain = await send(shop, grant_type="client_credentials", **credentials(shop.organization))
    on_behalf = await send_assertion(shop, assertion(shop.organization))
    header = basic(shop.organization.client_id, shop.organization.client_secret)

    for answer in (plain, on_behalf):
        token = answer.json()["access_token"]
        assert (await send(shop, REVOKE, token=token, headers=header)).status_code == 200
        assert (await shop.ask("Viewer", token=token)).status == 401


async def test_an_unknown_dead_or_foreign_token_is_no_error_and_nothing_happens(shop: Shop) -> None:
    other = await shop.create_organization("second")
    foreign = (await send(shop, grant_type="client_credentials", **credentials(other))).json()["access_token"]
    own = (await send(shop, grant_type="client_credentials", **credentials(shop.organization))).json()["access_token"]
    await send(shop, REVOKE, token=own, **credentials(shop.organization))
    before = await shop.counts()

    for token in ("x", "rt_x", "x" * 5000, foreign, own, f"{foreign}x"):
        answer = await send(shop, REVOKE, token=token, **credentials(shop.organization))
        assert (answer.status_code, answer.content) == (200, b"")

    assert await shop.counts() == before
    assert (await shop.ask("Viewer", token=foreign)).data["viewer"]["kind"] == "INTEGRATION"


async def test_a_token_of_another_client_is_refused(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    integration = (await send(shop, grant_type="client_credentials", **credentials(shop.organization))).json()
    storefront = {"client_id": str(shop.organization.storefront_id)}

    for token in (ann.token, ann.refresh_token, integration["access_token"]):
        assert refusal_of(await send(shop, REVOKE, token=token, **storefront)) == (400, "invalid_grant")

    assert (await shop.ask("Me", token=ann.token)).data["me"]["id"] == ann.id


async def test_who_revokes_says_who_it_is_and_what(shop: Shop) -> None:
    token = (await send(shop, grant_type="client_credentials", **credentials(shop.organization))).json()["access_token"]

    assert refusal_of(await send(shop, REVOKE, token=token)) == (401, "invalid_client")
    wrong = await send(shop, REVOKE, token=token, client_id=str(shop.organization.client_id), client_secret="wrong")
    assert refusal_of(wrong) == (401, "invalid_client")
    assert refusal_of(await send(shop, REVOKE, **credentials(shop.organization))) == (400, "invalid_request")
    by_get = await shop.client.get(REVOKE, params={"token": token})
    assert (refusal_of(by_get), by_get.headers["allow"]) == ((405, "invalid_request"), "POST")
    assert (await shop.ask("Viewer", token=token)).data["viewer"]["kind"] == "INTEGRATION"
