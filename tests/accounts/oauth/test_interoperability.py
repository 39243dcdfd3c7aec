"""Test of the OAuth endpoints with an unmodified OAuth client library over HTTP."""

import asyncio
import socket
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import jwt
import pytest
import uvicorn
from authlib import deprecate

from app.accounts.oauth.assertions import JWT_BEARER
from app.platform.clock import now
from app.server.web import create_app
from tests.shop import PASSWORD, Shop, Urls, open_shop

with warnings.catch_warnings():
    # At import it recommends another HTTP library.
    warnings.simplefilter("ignore", deprecate.AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client


@asynccontextmanager
async def serving(urls: Urls) -> AsyncIterator[tuple[Shop, str]]:
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with open_shop(urls, public_url=base) as shop:
        config = uvicorn.Config(create_app(shop.runtime), lifespan="off", log_config=None, http="httptools")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield shop, base
        finally:
            server.should_exit = True
            await task


async def viewer(base: str, client: AsyncOAuth2Client) -> tuple[int, str | None]:
    answer = await client.post(f"{base}/graphql", json={"query": "{ viewer { kind } }"})
    return answer.status_code, (answer.json().get("data") or {"viewer": {"kind": None}})["viewer"]["kind"]


async def test_a_client_library_gets_refreshes_and_revokes_tokens_by_all_four_grants(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library requires https, which loopback does not need.
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    async with serving(urls) as (shop, base):
        await shop.register("ann@example.org")
        async with httpx.AsyncClient() as plain:
            metadata = (await plain.get(f"{base}/.well-known/oauth-authorization-server")).json()
        endpoint, revocation = metadata["token_endpoint"], metadata["revocation_endpoint"]

        for method in ("client_secret_basic", "client_secret_post"):
            async with AsyncOAuth2Client(
                str(shop.organization.client_id),
                shop.organization.client_secret,
                scope="customers:read audit:read",
                token_endpoint=endpoint,
                token_endpoint_auth_method=method,
                revocation_endpoint_auth_method=method,
            ) as client:
                token = await client.fetch_token(endpoint, grant_type="client_credentials")
                assert token["scope"] == "audit:read customers:read"
                assert await viewer(base, client) == (200, "INTEGRATION")
                assert (await client.revoke_token(revocation, token["access_token"])).status_code == 200
                assert (await viewer(base, client))[0] == 401

        async with AsyncOAuth2Client(
            str(shop.organization.storefront_id),
            token_endpoint=endpoint,
            token_endpoint_auth_method="none",
            revocation_endpoint_auth_method="none",
        ) as client:
            first = dict(await client.fetch_token(endpoint, username="ann@example.org", password=PASSWORD))
            assert await viewer(base, client) == (200, "CUSTOMER")
            second = dict(await client.refresh_token(endpoint))
            assert second["refresh_token"] != first["refresh_token"]
            # The library refreshes by itself where a token has expired.
            client.token = {**second, "expires_at": 1}
            assert await viewer(base, client) == (200, "CUSTOMER")
            revoked = await client.revoke_token(revocation, client.token["refresh_token"], "refresh_token")
            assert revoked.status_code == 200
            assert (await viewer(base, client))[0] == 401

        async with AsyncOAuth2Client(str(shop.organization.client_id), shop.organization.client_secret) as client:
            claims = {
                "iss": str(shop.organization.client_id),
                "sub": str(shop.organization.staff_id),
                "aud": metadata["issuer"],
                "iat": now(),
                "nbf": now(),
                "exp": now() + timedelta(minutes=5),
                "jti": "one",
            }
            assertion = jwt.encode(claims, shop.organization.client_key, "EdDSA")
            await client.fetch_token(endpoint, grant_type=JWT_BEARER, assertion=assertion)
            assert await viewer(base, client) == (200, "STAFF")
            assert (await client.revoke_token(revocation, client.token["access_token"])).status_code == 200
            assert (await viewer(base, client))[0] == 401
