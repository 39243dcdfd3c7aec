"""Limits of documents, over HTTP."""

import pytest

from tests.shop import CONTRACT, Shop, Urls, open_shop

COSTLY = "{ a: countries { zones { code } } b: countries { zones { code } } }"


def nested(depth: int) -> str:
    return "{ __schema { types { fields " + "{ type " * depth + "{ name }" + " }" * depth + " } } }"


def aliased(count: int) -> str:
    return "{ " + " ".join(f"a{number}: viewer {{ kind }}" for number in range(count)) + " }"


def doubling(count: int) -> str:
    spreads = " ".join(f"fragment F{n} on Viewer {{ ...F{n + 1} ...F{n + 1} }}" for n in range(count))
    return f"{{ viewer {{ ...F0 }} }} {spreads} fragment F{count} on Viewer {{ kind }}"


CIRCLE = "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ me " + "{ group " * 50 + "{ id }" + " }" * 50 + " }", "The document is nested deeper than 12 levels."),
        (aliased(90), "The document uses more than 30 aliases."),
        ("{ " + "viewer { kind } " * 300 + "}", "The document repeats a field more than 100 times."),
        (CIRCLE, "Cannot spread fragment 'A' within itself via 'B'."),
        (doubling(40), "The document selects more than 1000 fields."),
        (nested(50), "The introspection is nested deeper than 20 levels."),
    ],
    ids=["depth", "aliases", "duplicates", "circle", "doubling", "introspection"],
)
async def test_a_document_that_is_too_large_is_refused_with_the_reason(shop: Shop, document: str, message: str) -> None:
    answer = await shop.ask(document)

    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert answer.body["errors"][0]["message"] == message
    assert "data" not in answer.body


async def test_a_document_of_five_hundred_aliases_is_refused_by_its_tokens_or_aliases(shop: Shop) -> None:
    answer = await shop.ask(aliased(500))

    assert answer.codes == ["GRAPHQL_PARSE_FAILED"]
    assert answer.body["errors"][0]["message"].startswith("Syntax Error: Document contains more than 2000")


async def test_a_batch_of_a_thousand_is_refused(shop: Shop) -> None:
    answer = await shop.post([{"query": "{ viewer { kind } }"}] * 1000)

    assert answer.status == 400
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_the_cost_is_shown_when_it_is_asked_for(shop: Shop) -> None:
    body = {"query": "query Q { viewer { kind organization { name } } }"}

    with_cost = await shop.post(body, **{"x-patron-cost": "1"})
    without_cost = await shop.post(body)

    assert with_cost.body["extensions"] == {"cost": {"requested": 4, "limit": 10_000}}
    assert "extensions" not in without_cost.body


async def test_what_costs_too_much_is_not_executed_and_the_limit_depends_on_the_caller(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, max_query_cost_guest=1000, max_query_cost_staff=20_000) as shop:
        guest = await shop.ask(COSTLY)
        staff = await shop.ask(COSTLY, token=await shop.staff())

    assert guest.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert guest.body["errors"][0]["message"] == (
        "This costs 5502 points, and 1000 are allowed. Select fewer fields or smaller pages."
    )
    assert "data" not in guest.body
    assert guest.headers["ratelimit-policy"].startswith('"guest-reads"')
    assert len(staff.data["a"]) > 200


@pytest.mark.parametrize("name", CONTRACT)
async def test_every_operation_of_the_contract_costs_less_than_a_tenth_of_what_its_caller_may_spend(
    shop: Shop, name: str
) -> None:
    answer = await shop.post({"query": CONTRACT[name], "variables": {"first": 10}}, **{"x-patron-cost": "1"})

    if "extensions" in answer.body:
        cost = answer.body["extensions"]["cost"]
        assert cost["requested"] <= cost["limit"] / 5


async def test_production_shows_no_schema_and_suggests_no_names(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, introspection=False) as shop:
        introspection = await shop.ask('{ __schema { types { name } } __type(name: "Customer") { name } }')
        field = await shop.ask("{ viewer { kindd } }")
        kind = await shop.ask("{ node { ... on Custome { id } } viewer { ... on Viewr { kind } } }")
        argument = await shop.ask('{ country(kode: "CH") { code } }')
        enum = await shop.ask('mutation { setDefaultAddress(id: "x", type: SHIPING) { userErrors { code } } }')
        page = await shop.client.get("/graphql", headers={"accept": "text/html"})

    for answer in (introspection, field, kind, argument, enum):
        assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}
        assert "Did you mean" not in str(answer.body)
    assert "GraphiQL" not in page.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_a_form_of_another_site_can_send_is_not_executed(shop: Shop, content_type: str) -> None:
    before = await shop.counts()

    response = await shop.client.post(
        "/graphql",
        content=b'{"query": "mutation { logout { userErrors { code } } }"}',
        headers={"content-type": content_type},
    )

    assert response.status_code == 415
    assert await shop.counts() == before


async def test_a_mutation_by_get_is_refused(shop: Shop) -> None:
    response = await shop.client.get("/graphql", params={"query": "mutation { logout { userErrors { code } } }"})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
