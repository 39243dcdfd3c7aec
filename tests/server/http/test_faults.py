"""An unexpected exception is masked for every caller, and logged with its request id."""

import httpx
import pytest
from structlog.testing import capture_logs

from app.server.web import create_app
from tests.shop import Shop


async def test_a_fault_outside_of_graphql_is_answered_in_json_and_logged_without_its_words(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> dict[str, str]:
        message = "ann@example.org"
        raise RuntimeError(message)

    monkeypatch.setattr(type(shop.runtime), "schema_states", broken)
    transport = httpx.ASGITransport(create_app(shop.runtime), raise_app_exceptions=False)

    with capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="http://patron.test") as client:
            answer = await client.get("/readyz", headers={"X-Request-Id": "find-me-again"})

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "find-me-again"
    assert answer.json()["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert [(log["event"], log["kind"], log["request_id"]) for log in logs] == [
        ("fault", "RuntimeError", "find-me-again")
    ]
    assert "ann@example.org" not in str(logs) + answer.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("find-me-again", True),
        ("0123456789abcdef", True),
        ("4242424242424242", False),
        ("4242-4242-4242-4242", False),
        ("short-1", False),
        ("find me again", False),
        ("a" * 65, False),
    ],
)
async def test_a_request_id_from_outside_is_kept_unless_it_could_be_a_card_number(
    shop: Shop, given: str, *, kept: bool
) -> None:
    answer = await shop.client.get("/healthz", headers={"X-Request-Id": given})

    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.headers["x-request-id"]
