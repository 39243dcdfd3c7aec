"""Malformed requests that no ordinary client sends."""

from collections.abc import AsyncIterator

from tests.shop import Answer, Shop

JSON = "application/json"


async def send(shop: Shop, content: bytes | AsyncIterator[bytes], **headers: str) -> Answer:
    """Post raw bytes to the endpoint."""
    sent = {"content-type": JSON, "x-api-key": shop.organization.key, **headers}
    response = await shop.client.post("/graphql", content=content, headers=sent)
    return Answer(response.status_code, response.headers, response.json())


def error(answer: Answer) -> tuple[int, str, str]:
    """Status, code and message of a response that is exactly one error."""
    assert set(answer.body) == {"errors"}
    (only,) = answer.body["errors"]
    return answer.status, only["extensions"]["code"], only["message"]
