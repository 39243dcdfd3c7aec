"""Access to every root field of the schema, and that refused callers write nothing."""

from collections.abc import Iterator
from itertools import product

import pytest
from sqlalchemy import text

from app.server.schema import SCHEMA
from tests.contract.permissions import CALLERS, MATRIX, OK, PermissionSetup, make_setup, outcome
from tests.shop import CONTRACT, Shop

ROOT_FIELDS = {
    name for root in (SCHEMA._schema.query_type, SCHEMA._schema.mutation_type) if root for name in root.fields
}
REQUIRE_KEYS = """UPDATE organizations SET settings = '{"require_api_key": true, "require_verified_email": false}'"""


def test_every_root_field_of_the_schema_is_in_the_matrix() -> None:
    assert set(MATRIX) == ROOT_FIELDS


@pytest.mark.parametrize("field", sorted(MATRIX))
async def test_each_caller_gets_the_outcome_of_the_matrix_and_a_refused_one_writes_nothing(
    shop: Shop, field: str
) -> None:
    setup = await make_setup(shop)
    outcomes = {}
    for caller in CALLERS:
        setup.caller = caller

        outcomes[caller], wrote = await _ask(setup, field)

        assert outcomes[caller] == OK or not wrote, caller
    assert outcomes == dict(zip(CALLERS, MATRIX[field].outcomes, strict=True))


async def _ask(setup: PermissionSetup, field: str) -> tuple[str, bool]:
    entry = MATRIX[field]
    variables = await entry.variables(setup)
    before = await setup.shop.counts()
    answer = await setup.ask(entry.document, variables)
    return outcome(answer, field), before != await setup.shop.counts()


@pytest.mark.parametrize("field", sorted(MATRIX))
async def test_where_keys_are_required_requests_without_one_are_refused(shop: Shop, field: str) -> None:
    setup = await make_setup(shop)
    setup.caller = "guest"
    variables = await MATRIX[field].variables(setup)
    async with shop.runtime.store.database.transaction() as session:
        await (await session.connection()).execute(text(REQUIRE_KEYS))
    before = await shop.counts()

    for headers in _without_a_good_key(setup):
        document = MATRIX[field].document
        answer = await shop.post({"query": CONTRACT.get(document, document), "variables": variables}, **headers)

        assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
        assert answer.headers["www-authenticate"] == "X-Api-Key"
    assert await shop.counts() == before


def _without_a_good_key(setup: PermissionSetup) -> Iterator[dict[str, str]]:
    keys = (None, "pk_wrong", setup.shop.organization.client_secret)
    tokens = (None, f"Bearer {setup.ann.token}")
    for key, token in product(keys, tokens):
        headers = {"x-api-key": key, "authorization": token}
        yield {name: value for name, value in headers.items() if value is not None}
