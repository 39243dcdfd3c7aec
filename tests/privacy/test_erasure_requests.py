"""A customer asks to be erased, staff decide: every cell of the table in `app.privacy.erasure_requests.deciding`."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.privacy.erasure import erase_due
from tests.privacy.builders import ask_to_forget, cancel, customer, make_due, request
from tests.shop import PASSWORD, Answer, Person, Shop

SHOWN = "request { id status requestedAt decidedAt reason } userErrors { code field message }"
ASK = f"mutation ($input: RequestMyErasureInput) {{ requestMyErasure(input: $input) {{ {SHOWN} }} }}"
WITHDRAW = f"mutation {{ withdrawMyErasure {{ {SHOWN} }} }}"
ACCEPT = f"mutation ($id: ID!) {{ acceptErasureRequest(input: {{ id: $id }}) {{ {SHOWN} }} }}"
DECLINE = f"""mutation ($id: ID!, $reason: String! = "An invoice is open.") {{
    declineErasureRequest(input: {{ id: $id, reason: $reason }}) {{ {SHOWN} }} }}"""
MINE = "{ myErasureRequest { id status reason } }"
ALL = """query ($status: ErasureRequestStatus) { erasureRequests(status: $status) {
    totalCount nodes { id status customerId decidedBy { email } } } }"""


async def ask(shop: Shop, person: Person, password: str | None = None) -> Answer:
    return await shop.ask(ASK, token=person.token, input={"password": password})


async def asked(shop: Shop, person: Person) -> str:
    found: str = (await ask(shop, person)).payload("requestMyErasure")["request"]["id"]
    return found


async def decide(shop: Shop, mutation: str, request_id: str, **given: Any) -> Answer:
    return await shop.ask(mutation, token=await shop.staff(), id=request_id, **given)


async def status(shop: Shop, person: Person) -> str | None:
    found: dict[str, str] | None = (await shop.ask(MINE, token=person.token)).data["myErasureRequest"]
    return found["status"] if found else None


async def let_login_grow_old(shop: Shop) -> None:
    await shop.execute("UPDATE login_sessions SET created_at = '2026-01-01 00:00:00.000000'")


async def templates(shop: Shop) -> list[str]:
    async with shop.runtime.store.database.engine.connect() as connection:
        found = await connection.execute(text("SELECT template FROM outgoing_mails ORDER BY id"))
        return [template for (template,) in found if template.startswith("ERASURE")]


@pytest.mark.alone("looks at whole tables")
async def test_asking_changes_nothing_and_is_mailed_to_both(shop: Shop) -> None:
    shop_settings = {"notificationEmail": "privacy@shop.example.org"}
    document = """mutation ($input: UpdateOrganizationInput!) {
        updateOrganization(input: $input) { userErrors { code } } }"""
    integration = await shop.integration()
    await shop.ask(document, token=integration, input={"settings": shop_settings})
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")

    await asked(shop, ann)

    assert (await status(shop, ann), await status(shop, bob)) == ("PENDING", None)
    assert await templates(shop) == ["ERASURE_REQUESTED", "ERASURE_TO_DECIDE"]
    assert (await customer(shop, ann))["anonymization"] is None
    seen = (await shop.ask(ALL, token=await shop.staff())).data["erasureRequests"]
    assert (seen["totalCount"], seen["nodes"][0]["customerId"]) == (1, ann.id)


@pytest.mark.parametrize(
    ("login", "password", "refusal"),
    [
        ("young", None, []),
        ("young", "", []),
        ("young", PASSWORD, []),
        ("young", "not hers", [("INVALID_CREDENTIALS", ["password"])]),
        ("old", None, [("REQUIRED", ["password"])]),
        ("old", PASSWORD, []),
        ("old", "not hers", [("INVALID_CREDENTIALS", ["password"])]),
    ],
)
async def test_it_needs_a_fresh_proof(
    shop: Shop, login: str, password: str | None, refusal: list[tuple[str, list[str]]]
) -> None:
    ann = await shop.register("ann@example.org")
    if login == "old":
        await let_login_grow_old(shop)

    answer = await ask(shop, ann, password)

    assert answer.refusals("requestMyErasure") == refusal
    assert await status(shop, ann) == (None if refusal else "PENDING")
    assert len(await templates(shop)) == (0 if refusal else 1)


async def test_refreshing_makes_a_login_no_younger(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await let_login_grow_old(shop)
    refreshed = await shop.ask("RefreshToken", refreshToken=ann.refresh_token)
    token = refreshed.payload("refreshToken")["tokens"]["accessToken"]

    answer = await shop.ask(ASK, token=token)

    assert answer.refusals("requestMyErasure") == [("REQUIRED", ["password"])]


async def test_a_wrong_password_is_counted_and_a_right_one_ends_the_counting(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await ask(shop, bob, "not his")

    for _ in range(2):
        await ask(shop, ann, "not hers")
    assert await shop.scalar("SELECT max(failures) FROM guess_counters WHERE customer_id IS NOT NULL") == 2
    await ask(shop, ann, PASSWORD)

    # What counts by the address of the network, and bob's guess, stay.
    assert await shop.scalar("SELECT max(failures) FROM guess_counters WHERE customer_id IS NOT NULL") == 1


async def test_asking_many_times_at_once_is_asking_once(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    answers = await asyncio.gather(*(ask(shop, ann) for _ in range(8)))

    refusals = sorted(answer.refusals("requestMyErasure") for answer in answers)
    assert refusals == [[], *[[("ALREADY_REQUESTED", None)]] * 7]
    assert len(await templates(shop)) == 1


async def test_asking_again_while_a_request_waits_changes_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await asked(shop, ann)
    before = await shop.counts()

    again = await ask(shop, ann)

    assert again.refusals("requestMyErasure") == [("ALREADY_REQUESTED", None)]
    assert await shop.counts() == before


@pytest.mark.parametrize(
    ("mutation", "action"), [(ACCEPT, "erasure_request.accepted"), (DECLINE, "erasure_request.declined")]
)
async def test_asking_and_deciding_are_in_the_audit_log(shop: Shop, mutation: str, action: str) -> None:
    ann = await shop.register("ann@example.org")
    request_id = await asked(shop, ann)
    assert (await shop.audit())[-1] == "erasure_request.made"

    await decide(shop, mutation, request_id)

    assert action in (await shop.audit())[-2:]


async def test_what_is_taken_back_is_not_decided_any_more(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = await asked(shop, ann)

    (await shop.ask(WITHDRAW, token=ann.token)).payload("withdrawMyErasure")

    assert await status(shop, ann) == "WITHDRAWN"
    # Whoever has a stolen session could do it, too.
    assert (await templates(shop))[-1] == "ERASURE_WITHDRAWN"
    again = await shop.ask(WITHDRAW, token=ann.token)
    assert again.refusals("withdrawMyErasure") == [("NOT_FOUND", None)]
    for mutation, name in ((ACCEPT, "acceptErasureRequest"), (DECLINE, "declineErasureRequest")):
        assert (await decide(shop, mutation, request_id)).refusals(name) == [("NOT_FOUND", ["id"])]
    assert (await customer(shop, ann))["anonymization"] is None
    await asked(shop, ann)
    assert await status(shop, ann) == "PENDING"


@pytest.mark.alone("looks at whole tables")
async def test_what_is_accepted_is_erased_and_nobody_else(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    request_id, other = await asked(shop, ann), await asked(shop, bob)

    accepted = (await decide(shop, ACCEPT, request_id)).payload("acceptErasureRequest")["request"]

    assert (accepted["status"], await status(shop, ann)) == ("ACCEPTED", "ACCEPTED")
    assert "ERASURE_ACCEPTED" in await templates(shop)
    for mutation, name in ((ACCEPT, "acceptErasureRequest"), (DECLINE, "declineErasureRequest")):
        assert (await decide(shop, mutation, request_id)).refusals(name) == [("NOT_FOUND", ["id"])]
    assert (await ask(shop, ann)).refusals("requestMyErasure") == [("ALREADY_REQUESTED", None)]
    late = await shop.ask(WITHDRAW, token=ann.token)
    assert late.refusals("withdrawMyErasure") == [("NOT_FOUND", None)]

    await make_due(shop)
    assert await erase_due(shop.runtime.store) == 1
    seen = (await shop.ask(ALL, token=await shop.staff())).data["erasureRequests"]["nodes"]
    assert [(one["id"], one["status"]) for one in seen] == [(request_id, "ACCEPTED"), (other, "PENDING")]
    assert seen[0]["decidedBy"]["email"] == shop.organization.staff_email
    assert (await customer(shop, bob))["email"] == bob.email


async def test_an_anonymization_that_staff_cancelled_can_be_asked_for_again(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await decide(shop, ACCEPT, await asked(shop, ann))
    await cancel(shop, customerId=ann.id)

    second = await asked(shop, ann)

    (await decide(shop, ACCEPT, second)).payload("acceptErasureRequest")
    assert (await customer(shop, ann))["anonymization"]["status"] == "REQUESTED"


async def test_a_refusal_is_mailed_with_its_reason_and_can_be_followed_by_another_request(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = await asked(shop, ann)

    blank = await decide(shop, DECLINE, request_id, reason=" ")
    assert blank.refusals("declineErasureRequest") == [("REQUIRED", ["reason"])]
    (await decide(shop, DECLINE, request_id)).payload("declineErasureRequest")

    mine = (await shop.ask(MINE, token=ann.token)).data["myErasureRequest"]
    assert (mine["status"], mine["reason"]) == ("DECLINED", "An invoice is open.")
    assert await templates(shop) == ["ERASURE_REQUESTED", "ERASURE_DECLINED"]
    assert (await customer(shop, ann))["anonymization"] is None
    await asked(shop, ann)


async def test_accepting_takes_the_anonymization_that_staff_requested_meanwhile(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = await asked(shop, ann)
    own = await request(shop, customerId=ann.id)

    (await decide(shop, ACCEPT, request_id)).payload("acceptErasureRequest")

    assert (await customer(shop, ann))["anonymization"]["id"] == own["id"]
    assert await shop.count("anonymization_requests") == 1


@pytest.mark.alone("looks at whole tables")
async def test_a_request_nobody_decided_is_answered_by_the_erasure(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = await asked(shop, ann)
    await ask_to_forget(shop, customerId=ann.id)
    await make_due(shop)
    assert await erase_due(shop.runtime.store) == 1

    accepted, declined = await decide(shop, ACCEPT, request_id), await decide(shop, DECLINE, request_id)

    assert accepted.refusals("acceptErasureRequest") == [("ALREADY_REQUESTED", ["id"])]
    assert declined.refusals("declineErasureRequest") == [("NOT_FOUND", ["id"])]
    seen = (await shop.ask(ALL, token=await shop.staff(), status="PENDING")).data["erasureRequests"]
    assert (seen["totalCount"], seen["nodes"]) == (0, [])


async def test_two_staff_members_decide_at_once_and_one_of_them_did(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = await asked(shop, ann)

    accepted, declined = await asyncio.gather(decide(shop, ACCEPT, request_id), decide(shop, DECLINE, request_id))

    refusals = [accepted.refusals("acceptErasureRequest"), declined.refusals("declineErasureRequest")]
    assert sorted(refusals) == [[], [("NOT_FOUND", ["id"])]]
    is_accepted = refusals[0] == []
    assert await status(shop, ann) == ("ACCEPTED" if is_accepted else "DECLINED")
    assert await shop.count("anonymization_requests") == int(is_accepted)
    assert len(await templates(shop)) == 2
