"""Every mutation six times at the same moment, once more afterwards, and for somebody who was erased meanwhile."""

import asyncio
from typing import Any
from uuid import UUID

import jwt
import pytest
from sqlalchemy import func, select

from app.platform.db.columns import main_metadata
from app.privacy.erasure import erase_due
from app.server.schema import SCHEMA
from tests.contract.permissions import CALLERS, MATRIX, OK, PermissionSetup, make_setup
from tests.privacy.builders import ask_to_forget, make_due
from tests.shop import Answer, Shop

assert SCHEMA._schema.mutation_type is not None
MUTATIONS = sorted(SCHEMA._schema.mutation_type.fields)
# Who does most of it, first.
PREFERRED = ("owner", "staff", "integration", "guest", "another")
TIMES = 6
# Their inputs are a hold, or a customer who is deleted.
NOT_ERASED = {"releaseLegalHold"}
# What there is at most one of for a customer, or an organization.
ONLY_ONE = [
    "SELECT customer_id FROM addresses WHERE is_default_shipping GROUP BY customer_id HAVING count(*) > 1",
    "SELECT customer_id FROM addresses WHERE is_default_billing GROUP BY customer_id HAVING count(*) > 1",
    "SELECT customer_id FROM payment_methods WHERE is_default GROUP BY customer_id HAVING count(*) > 1",
    "SELECT customer_id FROM erasure_requests WHERE status = 'PENDING' GROUP BY customer_id HAVING count(*) > 1",
    """SELECT owner_id FROM anonymization_requests WHERE status IN ('REQUESTED', 'RUNNING')
        GROUP BY owner_id HAVING count(*) > 1""",
    "SELECT is_default FROM organizations WHERE is_default GROUP BY is_default HAVING count(*) > 1",
]


def caller_of(field: str) -> str:
    outcomes = dict(zip(CALLERS, MATRIX[field].outcomes, strict=True))
    return next(caller for caller in PREFERRED if outcomes[caller] == OK)


async def send(setup: PermissionSetup, field: str, variables: dict[str, Any]) -> Answer:
    return await setup.ask(MATRIX[field].document, variables)


def was_done(answer: Answer, field: str) -> bool:
    payload = (answer.body.get("data") or {}).get(field)
    return payload is not None and payload["userErrors"] == []


@pytest.mark.parametrize("field", MUTATIONS)
async def test_at_once_and_again(shop: Shop, field: str) -> None:
    setup = await make_setup(shop)
    setup.caller = caller_of(field)
    variables = dict(await MATRIX[field].variables(setup))

    answers = await asyncio.gather(*(send(setup, field, variables) for _ in range(TIMES)))
    late = await send(setup, field, variables)

    for answer in [*answers, late]:
        assert answer.status < 500
        assert set(answer.codes) <= {"UNAUTHENTICATED"}, answer.body
    assert any(was_done(answer, field) for answer in answers)
    for query in ONLY_ONE:
        assert await rows(shop, query) == [], query


async def rows(shop: Shop, query: str) -> list[object]:
    async with shop.runtime.store.database.engine.connect() as connection:
        return list(await connection.exec_driver_sql(query))


@pytest.mark.parametrize("field", MUTATIONS)
async def test_nothing_is_written_for_somebody_who_was_erased(shop: Shop, field: str) -> None:
    setup = await make_setup(shop)
    setup.caller = caller_of(field)
    variables = dict(await MATRIX[field].variables(setup))
    person = jwt.decode(setup.ann.token, options={"verify_signature": False})["sub"]
    await ask_to_forget(shop, customerId=setup.ann.id)
    await make_due(shop)
    assert await erase_due(shop.runtime.store) == (field not in NOT_ERASED)
    before = await kept_of(shop, UUID(person))

    for caller in ("owner", "staff", "integration", "guest"):
        setup.caller = caller
        answer = await send(setup, field, variables)

        assert answer.status < 500
        assert set(answer.codes) <= {"UNAUTHENTICATED", "FORBIDDEN"}, answer.body
    assert await kept_of(shop, UUID(person)) == before


async def kept_of(shop: Shop, person: UUID) -> dict[str, int]:
    """How many rows there are of a customer, by table, but for what says who did what."""
    found = {}
    async with shop.runtime.store.database.engine.connect() as connection:
        for table in main_metadata.sorted_tables:
            name = next((one for one in ("owner_id", "customer_id") if one in table.c), None)
            if name is not None and not table.name.startswith(("audit_", "webhook_")):
                query = select(func.count()).select_from(table).where(table.c[name] == person)
                found[table.name] = (await connection.execute(query)).scalar_one()
    return found


# Each takes away, or decides against, what the other one is about.
PAIRS = [
    ("deleteAddress", "setDefaultAddress"),
    ("deleteAddress", "updateAddress"),
    ("deletePaymentMethod", "setDefaultPaymentMethod"),
    ("requestAnonymization", "cancelAnonymization"),
    ("acceptErasureRequest", "declineErasureRequest"),
    ("acceptErasureRequest", "withdrawMyErasure"),
    ("requestAnonymization", "placeLegalHold"),
    ("deleteGroup", "updateGroup"),
    ("deleteGroup", "assignCustomerGroup"),
    ("deleteMarket", "updateMarket"),
    ("approveCustomer", "rejectCustomer"),
    ("changePassword", "resetPassword"),
    ("changePassword", "confirmEmailChange"),
    ("logoutEverywhere", "refreshToken"),
    ("deleteWebhookEndpoint", "rotateWebhookSecret"),
    ("revokeApiClient", "rotateApiClientSecret"),
    ("deleteExtraField", "updateExtraField"),
    ("deleteCustomer", "updateCustomer"),
    ("deleteCustomer", "createAddress"),
    ("deleteCustomer", "addPaymentMethod"),
    ("deleteCustomer", "recordOrder"),
    ("requestAnonymization", "recordOrder"),
    ("cancelOrder", "updateOrder"),
]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
async def test_what_contradicts_itself_at_once(shop: Shop, pair: tuple[str, str]) -> None:
    setup = await make_setup(shop)
    sent = []
    for field in pair:
        setup.caller = caller_of(field)
        sent.append((setup.caller, field, dict(await MATRIX[field].variables(setup))))
    about_the_same(sent[0][2], sent[1][2])

    async def ask(caller: str, field: str, variables: dict[str, Any]) -> Answer:
        return await shop.ask(MATRIX[field].document, token=setup.tokens[caller], **variables)

    answers = await asyncio.gather(*(ask(*one) for _ in range(TIMES // 2) for one in sent))

    for answer in answers:
        assert answer.status < 500
        assert set(answer.codes) <= {"UNAUTHENTICATED"}, answer.body
    for query in ONLY_ONE:
        assert await rows(shop, query) == [], query


def about_the_same(one: dict[str, Any], other: dict[str, object]) -> None:
    """Have the second mutation name what the first one names, where both take an id."""
    for name, value in one.items():
        theirs = other.get(name)
        if isinstance(value, dict) and isinstance(theirs, dict):
            about_the_same(value, theirs)
        elif name in {"id", "customerId", "groupId"} and name in other:
            other[name] = value
