"""Query plans answer byte for byte as the general executor does, errors included."""

import gc
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
    parse,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.accounts.organizations import callers
from app.customers import repository as customers
from app.identity.sessions.tokens import AccessTokens
from app.platform.graphql.context import Context
from app.platform.graphql.document_limits import DocumentLimits, DocumentTooLarge, check_size
from app.platform.graphql.documents import Document, DocumentCache
from app.platform.graphql.execution import execute_document
from app.platform.principal import RequestOrigin
from app.server.schema import SCHEMA
from tests.shop import CONTRACT, Person, Shop
from tests.test_customer_lifecycle import ADD_CARD, ADDRESS

CORE = SCHEMA._schema
LIMITS = DocumentLimits(fields=400, aliases=200)
DOCUMENTS = DocumentCache(CORE, LIMITS, introspection=True)
ARGUMENTS = {"Query.country": '(code: "CH")', "Query.customer": '(by: { email: "ann@example.org" })'}
# All countries with all zones would make the answer too large.
LEFT_AWAY = {"countries", "zones"}
DEEPEST = 4


def _selectable(type_: GraphQLObjectType) -> Sequence[tuple[str, GraphQLField]]:
    return [
        (name, field)
        for name, field in sorted(type_.fields.items())
        if name not in LEFT_AWAY
        and (f"{type_.name}.{name}" in ARGUMENTS or not any(is_required_argument(one) for one in field.args.values()))
        and (is_leaf_type(get_named_type(field.type)) or is_object_type(get_named_type(field.type)))
    ]


@st.composite
def _selection(draw: st.DrawFn, type_: GraphQLObjectType, depth: int) -> str:
    chosen = draw(st.lists(st.sampled_from(_selectable(type_)), min_size=1, max_size=8))
    parts = [draw(st.sampled_from(["", "__typename", "what: __typename"]))]
    for name, field in chosen:
        named = get_named_type(field.type)
        inner = ""
        if isinstance(named, GraphQLObjectType):
            if depth == DEEPEST:
                continue
            inner = draw(_selection(named, depth + 1))
        arguments = ARGUMENTS.get(f"{type_.name}.{name}", "")
        alias = draw(st.sampled_from(["", "", f"other_{name}: "]))
        parts.append(draw(st.sampled_from(_wrappings(type_))) % f"{alias}{name}{arguments} {inner}")
    return "{ __typename " + " ".join(parts) + " }"


def _wrappings(type_: GraphQLObjectType) -> list[str]:
    """A field as it is, in a fragment that applies, in one that does not, behind a directive."""
    interfaces = [f"... on {interface.name} {{ id }} %s" for interface in type_.interfaces]
    return [
        "%s",
        "%s",
        "%s",
        f"... on {type_.name} {{ %s }}",
        "... { %s }",
        "... @include(if: true) { %s }",
        *interfaces,
    ]


QUERY = CORE.query_type
assert QUERY is not None


def _is_allowed(query: str) -> bool:
    """One document in a hundred exceeds the limits."""
    try:
        check_size(parse(query), LIMITS)
    except DocumentTooLarge:
        return False
    return True


QUERIES = _selection(QUERY, 0).filter(_is_allowed)


async def _context(shop: Shop, token: str | None) -> Context:
    store, services = shop.runtime.store, shop.runtime.services
    key = None if token else shop.organization.key
    caller = await callers.resolve(store, services.get(AccessTokens), key=key, bearer=token)
    context = Context(RequestOrigin(caller.principal, "request", b"", ""), store, services)
    if caller.customer is not None:
        context.prime(customers.by_ids, caller.customer.row.id, caller.customer)
    return context


async def _both(shop: Shop, token: str | None, document: Document, **variables: Any) -> tuple[bytes, bytes]:
    """The answers with a plan and without."""
    unplanned = Document(document.node, document.operations)
    answers = [
        await execute_document(CORE, one, variables=variables, operation=None, context=await _context(shop, token))
        for one in (document, unplanned)
    ]
    return orjson.dumps(answers[0]), orjson.dumps(answers[1])


@pytest.fixture
async def ann(shop: Shop) -> Person:
    found = await shop.register("ann@example.org", firstName="Ann", birthDate="1980-02-29")
    await shop.ask("CreateAddress", token=found.token, input=ADDRESS)
    await shop.ask("CreateAddress", token=found.token, input={**ADDRESS, "phone": "+41446681800"})
    await shop.ask(ADD_CARD, token=found.token)
    return found


@pytest.fixture
def _without_leftovers() -> Iterator[None]:
    """Collect what graphql-core leaves unawaited, the siblings of a field that fails, before another test does."""
    yield
    gc.collect()


@pytest.mark.usefixtures("_without_leftovers")
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=QUERIES, signed_in=st.sampled_from([True, True, False]))
async def test_a_planned_query_answers_what_the_general_executor_answers(
    shop: Shop,
    ann: Person,
    query: str,
    signed_in: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    document = DOCUMENTS.prepare(query)

    planned, general = await _both(shop, ann.token if signed_in else None, document)

    assert planned == general


@pytest.mark.parametrize("name", ["Me", "Viewer", "Countries"])
async def test_the_contracts_reads_are_planned_and_need_the_general_executor_no_more(
    shop: Shop, ann: Person, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = DOCUMENTS.prepare(CONTRACT[name])
    planned, general = await _both(shop, ann.token, document)
    monkeypatch.setattr("app.platform.graphql.execution.execute", None)

    alone = await execute_document(
        CORE, document, variables={}, operation=name, context=await _context(shop, ann.token)
    )

    assert orjson.dumps(alone) == planned == general


async def test_variables_are_coerced_and_refused_alike(shop: Shop) -> None:
    document = DOCUMENTS.prepare(
        'query Q($code: String!, $in: String! = "de") { country(code: $code, locale: $in) { name } }'
    )

    assert document.plans["Q"] is not None
    for variables in ({"code": "CH"}, {"code": "CH", "in": "fr"}, {"code": "ZZ"}, {}, {"code": 5}, {"code": None}):
        planned, general = await _both(shop, None, document, **variables)
        assert planned == general


@pytest.mark.parametrize(
    "query",
    [
        "mutation { logout { userErrors { code } } }",
        "query ($yes: Boolean!) { viewer @include(if: $yes) { kind } }",
        "{ viewer { ... @skip(if: true) { kind } } }",
        "{ __schema { queryType { name } } }",
    ],
)
def test_what_plans_do_not_know_has_none(query: str) -> None:
    assert set(DOCUMENTS.prepare(query).plans.values()) == {None}


async def test_a_failing_resolver_leaves_nothing_unawaited_and_is_masked_once(
    shop: Shop, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    monkeypatch.setattr(
        "app.platform.graphql.execution.log_exception", lambda event, fault, **_: reported.append(repr(fault))
    )

    async def broken(*_: object) -> list[Any]:
        message = "the disk is on fire"
        raise OSError(message)

    monkeypatch.setattr("app.customers.addresses.repository.of_customers", broken)

    answer = await shop.ask("{ me { id addresses { id } paymentMethods { id } } }", token=ann.token)

    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert answer.body["data"] == {"me": None}
    assert reported == ["OSError('the disk is on fire')"]
