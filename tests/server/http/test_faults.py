"""An unexpected exception is masked for every caller, and logged with its request id."""

import httpx
import pytest
from structlog.testing import capture_logs

from app.server.web import create_app
from tests.shop import Shop

FOUND_AGAIN = "0190f7a2-5b1c-7c3e-9d4f-1a2b3c4d5e6f"


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
            answer = await client.get("/readyz", headers={"X-Request-Id": FOUND_AGAIN})

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == FOUND_AGAIN
    assert answer.json()["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert [(log["event"], log["kind"], log["request_id"]) for log in logs] == [("fault", "RuntimeError", FOUND_AGAIN)]
    assert "ann@example.org" not in str(logs) + answer.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (FOUND_AGAIN, True),
        ("4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", True),
        ("Ann-Archer_1971", False),
        ("ann-archer-again", False),
        ("AnnArcher1971OfZurichAtHome", False),
        ("0123456789abcdef", True),
        ("4242424242424242", False),
        ("4242-4242-4242-4242", False),
        ("short-1", False),
        ("find me again", False),
        ("a" * 65, False),
    ],
)
async def test_a_request_id_from_outside_is_kept_if_only_a_program_would_write_it(
    shop: Shop, given: str, *, kept: bool
) -> None:
    answer = await shop.client.get("/healthz", headers={"X-Request-Id": given})

    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.headers["x-request-id"]
