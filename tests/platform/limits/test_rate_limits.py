"""Rate limits over HTTP."""

from typing import Any

import httpx
import pytest

from app.platform.graphql.access import ANYBODY
from app.platform.graphql.operations import CREDENTIALS, OperationClass
from app.platform.limits.policies import PER_MINUTE, BadPolicy, policies, policy_for
from app.platform.principal import CallerKind
from app.server.schema import SCHEMA
from tests.shop import PASSWORD, Urls, open_shop

READ = "{ viewer { kind } }"
WRONG: dict[str, Any] = {"identifier": "ann@example.org", "password": "not the password"}
HOUR = "per hour"  # no test lasts so long that a window ends


async def test_the_request_over_the_limit_is_refused_with_429_and_says_when_to_come_back(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, rate_limits={"guest-reads": f"3 {HOUR}"}) as shop:
        allowed = [await shop.ask(READ) for _ in range(3)]

        refused = await shop.ask(READ)

    assert [answer.status for answer in allowed] == [200, 200, 200]
    assert [answer.headers["ratelimit-remaining"] for answer in allowed] == ["2", "1", "0"]
    assert refused.status == 429
    assert refused.codes == ["RATE_LIMITED"]
    assert refused.body["errors"][0]["extensions"]["retryAfterSeconds"] == int(refused.headers["retry-after"])
    assert "data" not in refused.body
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 3600
    assert refused.headers["ratelimit-limit"] == "3"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["ratelimit-reset"] == str(wait)
    assert refused.headers["ratelimit-policy"] == '"guest-reads";q=3;w=3600'
    assert refused.headers["ratelimit"] == f'"guest-reads";r=0;t={wait}'
    assert refused.headers["cache-control"] == "no-store"


async def test_reads_writes_and_credentials_are_counted_apart(sqlite_urls: Urls) -> None:
    limits = {"source-credentials": f"1 {HOUR}", "guest-reads": f"1 {HOUR}"}
    async with open_shop(sqlite_urls, rate_limits=limits) as shop:
        await shop.ask(READ)
        before = await shop.counts()

        login = await shop.ask("Login", **WRONG)
        again = await shop.ask("Login", **WRONG)
        after = await shop.counts()
        third = await shop.ask("Login", **WRONG)

        assert await shop.counts() == after != before
    assert login.refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert [again.status, third.status] == [429, 429]
    assert again.headers["ratelimit-policy"] == '"source-credentials";q=1;w=3600'


async def test_aliased_attempts_in_one_request_are_counted_one_by_one(sqlite_urls: Urls) -> None:
    attempts = " ".join(
        f'a{number}: login(input: {{ identifier: "ann@example.org", password: "guess {number}" }}) '
        "{ userErrors { code } }"
        for number in range(6)
    )
    async with open_shop(sqlite_urls, rate_limits={"source-credentials": f"5 {HOUR}"}) as shop:
        before = await shop.counts()

        answer = await shop.ask(f"mutation {{ {attempts} }}")

        assert await shop.counts() == before
    assert answer.status == 429


async def test_attempts_hidden_in_fragments_are_counted_too(sqlite_urls: Urls) -> None:
    document = """mutation {
        ...Guesses
        ... { c: login(input: { identifier: "ann", password: "c" }) { userErrors { code } } }
    }
    fragment Guesses on Mutation {
        a: login(input: { identifier: "ann", password: "a" }) { userErrors { code } }
        b: login(input: { identifier: "ann", password: "b" }) { userErrors { code } } }"""
    async with open_shop(sqlite_urls, rate_limits={"source-credentials": f"10 {HOUR}"}) as shop:
        answer = await shop.ask(document)

    assert answer.headers["ratelimit-remaining"] == "7"


async def test_customers_are_counted_each_for_itself_and_not_by_their_source(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, rate_limits={"customer-reads": f"2 {HOUR}"}) as shop:
        ann = await shop.register("ann@example.org")
        bob = await shop.register("bob@example.org")
        for _ in range(2):
            assert (await shop.ask(READ, token=ann.token)).status == 200

        assert (await shop.ask(READ, token=ann.token)).status == 429
        assert (await shop.ask(READ, token=bob.token)).headers["ratelimit-remaining"] == "1"
        assert (await shop.ask(READ, token=await shop.integration())).status == 200


async def test_a_customer_has_no_more_tries_of_passwords_than_its_source(sqlite_urls: Urls) -> None:
    wrong: dict[str, Any] = {"currentPassword": "not the password", "newPassword": PASSWORD}
    async with open_shop(sqlite_urls, rate_limits={"source-credentials": f"2 {HOUR}"}) as shop:
        ann = await shop.register("ann@example.org")

        first = await shop.ask("ChangePassword", token=ann.token, **wrong)
        second = await shop.ask("ChangePassword", token=ann.token, **wrong)

    assert first.status == 200
    assert second.status == 429
    assert second.headers["ratelimit-policy"].startswith('"source-credentials"')


async def test_a_flood_of_broken_requests_ends_before_anything_is_parsed(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, rate_limits={"source": f"2 {HOUR}"}) as shop:
        broken = [await shop.client.post("/graphql", content=b"{", headers={"content-type": "application/json"})]
        broken.append(await shop.client.put("/graphql"))

        flooded = await shop.client.post("/graphql", content=b"{", headers={"content-type": "application/json"})
        token = await shop.client.post("/oauth/token")

        assert (await shop.client.get("/healthz")).status_code == 200
    assert [answer.status_code for answer in broken] == [400, 405]
    assert [answer.headers["ratelimit-remaining"] for answer in broken] == ["1", "0"]
    assert flooded.status_code == 429
    extensions = flooded.json()["errors"][0]["extensions"]
    assert extensions == {"code": "RATE_LIMITED", "retryAfterSeconds": int(flooded.headers["retry-after"])}
    assert token.status_code == 429
    assert token.json()["error"] == "temporarily_unavailable"


async def test_the_token_endpoint_is_limited_by_source_with_an_error_of_oauth(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, rate_limits={"token-requests": f"1 {HOUR}"}) as shop:
        form = {"grant_type": "client_credentials"}
        credentials = httpx.BasicAuth(str(shop.organization.client_id), shop.organization.client_secret)
        granted = await shop.client.post("/oauth/token", data=form, auth=credentials)

        refused = await shop.client.post("/oauth/token", data=form, auth=credentials)

        assert await shop.count("login_sessions") == 1
    assert granted.status_code == 200
    assert granted.headers["ratelimit-remaining"] == "0"
    assert refused.status_code == 429
    assert set(refused.json()) == {"error", "error_description"}
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("proxies", "statuses"), [("", [200, 429, 429]), ("10.0.0.0/8, 127.0.0.0/8", [200, 200, 429])])
async def test_only_a_trusted_proxy_may_say_where_a_request_comes_from(
    sqlite_urls: Urls, proxies: str, statuses: list[int]
) -> None:
    limits = {"guest-reads": f"1 {HOUR}"}
    async with open_shop(sqlite_urls, rate_limits=limits, trusted_proxies=proxies) as shop:
        answers = [
            await shop.post({"query": READ}, **{"x-forwarded-for": hops, "x-api-key": shop.organization.key})
            for hops in ("192.0.2.1", "192.0.2.2", "198.51.100.9, 192.0.2.1")
        ]

    assert [answer.status for answer in answers] == statuses


@pytest.mark.parametrize("kind", CallerKind)
@pytest.mark.parametrize("operation_class", OperationClass)
def test_every_kind_of_caller_has_a_policy_for_everything_it_does(
    kind: CallerKind, operation_class: OperationClass
) -> None:
    assert policy_for(kind, operation_class) in PER_MINUTE


def test_development_is_ten_times_as_wide_and_a_setting_is_taken_as_it_stands() -> None:
    table = policies(10, {"guest-reads": "5 per 10 second"})

    assert {name: item.amount for name, item in table.items() if name != "guest-reads"} == {
        name: amount * 10 for name, amount in PER_MINUTE.items() if name != "guest-reads"
    }
    assert (table["guest-reads"].amount, table["guest-reads"].get_expiry()) == (5, 10)


def test_a_policy_that_does_not_exist_is_named_at_the_start() -> None:
    with pytest.raises(BadPolicy, match="guest-raeds"):
        policies(1, {"guest-raeds": "5 per minute"})


def test_every_mutation_a_stranger_may_send_is_held_to_the_limit_of_credentials() -> None:
    schema = SCHEMA._schema
    assert schema.mutation_type is not None
    open_ones = {
        name
        for name, field in schema.mutation_type.fields.items()
        if not field.extensions["strawberry-definition"].metadata.get(CREDENTIALS)
        and ("guests" in (field.description or "") or "anybody" in (field.description or ""))
    }

    # It ends the session of its own token, so there is nothing to guess.
    assert open_ones == {"logout"}
    assert ANYBODY


ADD = 'addPaymentMethod(input: { token: "tok_visa" }) { paymentMethod { id } userErrors { code } }'
OPEN = "createPaymentSession { paymentSession { id } userErrors { code } }"


async def test_cards_are_tried_less_often_than_other_things_are_written(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, rate_limits={"customer-cards": f"2 {HOUR}"}) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")

        added = await shop.ask(f"mutation {{ {ADD} }}", token=ann.token)
        opened = await shop.ask(f"mutation {{ {OPEN} }}", token=ann.token)
        before = await shop.counts()
        third = await shop.ask(f"mutation {{ {ADD} }}", token=ann.token)

        assert await shop.counts() == before
        written = await shop.ask("mutation { updateCustomer(input: {}) { userErrors { code } } }", token=ann.token)
        of_bob = await shop.ask(f"mutation {{ {ADD} }}", token=bob.token)
    assert [answer.status for answer in (added, opened, third, written, of_bob)] == [200, 200, 429, 200, 200]
    assert third.headers["ratelimit-policy"] == '"customer-cards";q=2;w=3600'


async def test_many_accounts_of_one_source_try_no_more_cards(sqlite_urls: Urls) -> None:
    async with open_shop(sqlite_urls, rate_limits={"source-cards": f"2 {HOUR}"}) as shop:
        people = [await shop.register(f"ann{number}@example.org") for number in range(3)]

        answers = [await shop.ask(f"mutation {{ {ADD} }}", token=person.token) for person in people]
        desk = await shop.ask(
            f'mutation {{ addPaymentMethod(input: {{ token: "tok_visa", customerId: "{people[0].id}" }}) '
            "{ userErrors { code } } }",
            token=await shop.integration(),
        )

    assert [answer.status for answer in (*answers, desk)] == [200, 200, 429, 200]


async def test_cards_are_counted_one_by_one_and_behind_other_things(sqlite_urls: Urls) -> None:
    aliased = f"mutation {{ a: {ADD} b: {ADD} ...More }} fragment More on Mutation {{ c: {OPEN} }}"
    behind = (
        f'mutation {{ verifyEmail(input: {{ token: "x" }}) {{ userErrors {{ code }} }} a: {ADD} b: {ADD} c: {ADD} }}'
    )
    async with open_shop(sqlite_urls, rate_limits={"customer-cards": f"2 {HOUR}"}) as shop:
        ann = await shop.register("ann@example.org")
        before = await shop.counts()

        answers = [await shop.ask(document, token=ann.token) for document in (aliased, behind)]

        assert await shop.counts() == before
    assert [answer.status for answer in answers] == [429, 429]
