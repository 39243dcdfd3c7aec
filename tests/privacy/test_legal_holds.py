"""Legal holds: while one is in force nothing of the customer is erased, whoever asks; afterwards it is."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from app.platform.clock import now
from app.platform.vault import holds
from app.privacy.erasure import erase_due
from app.privacy.legal_holds.placing import MAX_IN_FORCE
from tests.privacy.backups import Backups
from tests.privacy.builders import ask_to_forget, cancel, customer, make_due, request
from tests.shop import Answer, Person, Shop, Urls, open_shop

HOLD = "id customerId reason until inForce placedAt placedBy { email } releasedAt releasedBy { email }"
PLACE = f"""mutation ($input: PlaceLegalHoldInput!) {{ placeLegalHold(input: $input) {{
    hold {{ {HOLD} }} userErrors {{ code field message }} }} }}"""
RELEASE = f"""mutation ($id: ID!) {{ releaseLegalHold(input: {{ id: $id }}) {{
    hold {{ {HOLD} }} userErrors {{ code field message }} }} }}"""
HOLDS = f"""query ($id: ID, $first: Int! = 100, $after: String) {{
    legalHolds(customerId: $id, first: $first, after: $after) {{
    totalCount nodes {{ {HOLD} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
PLAN = "query ($id: ID!) { anonymizationPlan(customerId: $id) { blockedBy { reason until } } }"
DELETE = "mutation ($id: ID!) { deleteCustomer(input: { customerId: $id }) { userErrors { code field } } }"
REASON = "Case 17/2026, asked for by the court"


async def ask_to_place(shop: Shop, person: Person, **given: Any) -> Answer:
    values = {"customerId": person.id, "reason": REASON, **given}
    return await shop.ask(PLACE, token=await shop.staff(), input=values)


async def place(shop: Shop, person: Person, **given: Any) -> Any:
    return (await ask_to_place(shop, person, **given)).payload("placeLegalHold")["hold"]


async def release(shop: Shop, hold: Any) -> Any:
    answer = await shop.ask(RELEASE, token=await shop.staff(), id=hold["id"])
    return answer.payload("releaseLegalHold")["hold"]


async def holds_of(shop: Shop, person: Person | None) -> list[Any]:
    answer = await shop.ask(HOLDS, token=await shop.staff(), id=person.id if person else None)
    assert answer.data["legalHolds"]["totalCount"] == len(answer.data["legalHolds"]["nodes"])
    found: list[Any] = answer.data["legalHolds"]["nodes"]
    return found


async def blocks(shop: Shop, person: Person) -> list[tuple[str, str | None]]:
    answer = await shop.ask(PLAN, token=await shop.staff(), id=person.id)
    return [(one["reason"], one["until"]) for one in answer.data["anonymizationPlan"]["blockedBy"]]


async def erase(shop: Shop) -> int:
    await make_due(shop)
    return await erase_due(shop.runtime.store)


async def status(shop: Shop, person: Person) -> str:
    found: str = (await customer(shop, person))["anonymization"]["status"]
    return found


async def test_a_hold_says_who_placed_it_why_and_how_long(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    until = "2999-01-31T12:00:00.000Z"

    hold = await place(shop, ann, until=until)

    assert (hold["reason"], hold["until"], hold["inForce"]) == (REASON, until, True)
    assert (hold["customerId"], hold["placedBy"]["email"]) == (ann.id, shop.organization.staff_email)
    assert (hold["releasedAt"], hold["releasedBy"]) == (None, None)
    assert await holds_of(shop, ann) == await holds_of(shop, None) == [hold]
    assert await holds_of(shop, bob) == []
    assert (await blocks(shop, ann), await blocks(shop, bob)) == ([("LEGAL_HOLD", until)], [])


async def test_who_is_held_among_several_are_those_whose_hold_was_not_released(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    held, released = await place(shop, ann), await place(shop, bob)
    await release(shop, released)
    store, organization = shop.runtime.store, shop.organization.id
    ids = {UUID(jwt.decode(one.token, options={"verify_signature": False})["sub"]) for one in (ann, bob)}

    found = await holds.held_among(store.vault.keystore, organization_id=organization, person_ids=ids)

    assert len(found) == 1
    await release(shop, held)
    assert await holds.held_among(store.vault.keystore, organization_id=organization, person_ids=ids) == set()


async def test_an_erasure_waits_for_the_last_hold_and_then_starts_by_itself(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    first, second = [await place(shop, ann) for _ in range(2)]
    for one in (ann, bob):
        await request(shop, customerId=one.id)

    assert await erase(shop) == 1
    assert (await status(shop, ann), await status(shop, bob)) == ("REQUESTED", "COMPLETED")
    assert ("LEGAL_HOLD", None) in await blocks(shop, ann)
    await release(shop, first)
    assert await erase(shop) == 0
    assert (await customer(shop, ann))["email"] == ann.email

    await release(shop, second)
    assert await erase_due(shop.runtime.store) == 1
    assert await status(shop, ann) == "COMPLETED"
    assert [(one["reason"], one["inForce"]) for one in await holds_of(shop, ann)] == [(None, False)] * 2
    assert await holds_of(shop, None) == []


async def test_a_request_that_waits_may_be_cancelled(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    hold = await place(shop, ann)
    await request(shop, customerId=ann.id)
    assert await erase(shop) == 0

    await cancel(shop, customerId=ann.id)
    await release(shop, hold)

    assert await erase(shop) == 0
    assert (await customer(shop, ann))["email"] == ann.email


async def test_a_hold_whose_time_is_over_holds_nothing_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shop.register("ann@example.org")
    until = now() + timedelta(days=3)
    await place(shop, ann, until=until.isoformat())
    await request(shop, customerId=ann.id)
    assert await erase(shop) == 0

    for module in ("vault.holds", "db.queues"):
        monkeypatch.setattr(f"app.platform.{module}.now", lambda: until + timedelta(seconds=1), raising=False)
    assert await erase(shop) == 1
    assert await status(shop, ann) == "COMPLETED"


async def test_a_hold_comes_too_late_for_an_erasure_that_has_started(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await request(shop, customerId=ann.id)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr("app.platform.vault.vault.Vault.destroy_key", broken)
        assert await erase(shop) == 0
    failed = await ask_to_place(shop, ann)
    assert await erase(shop) == 1
    completed = await ask_to_place(shop, ann)

    for answer in (failed, completed):
        assert answer.refusals("placeLegalHold") == [("ALREADY_STARTED", ["customerId"])]
    assert await shop.count("legal_holds") == 0
    await place(shop, bob)


async def test_a_customer_on_hold_cannot_be_deleted(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    hold = await place(shop, ann)

    refused = await shop.ask(DELETE, token=await shop.staff(), id=ann.id)
    assert refused.refusals("deleteCustomer") == [("LEGAL_HOLD", ["customerId"])]
    assert (await customer(shop, ann))["email"] == ann.email

    await release(shop, hold)
    (await shop.ask(DELETE, token=await shop.staff(), id=ann.id)).payload("deleteCustomer")
    gone = await ask_to_place(shop, ann)
    assert gone.refusals("placeLegalHold") == [("NOT_FOUND", ["customerId"])]


async def test_releasing_twice_changes_nothing_and_each_hold_is_released_for_itself(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    hold, other, elsewhere = await place(shop, ann), await place(shop, ann), await place(shop, bob)

    answers = await asyncio.gather(*(release(shop, hold) for _ in range(5)))
    again = await release(shop, hold)

    assert len({one["releasedAt"] for one in (*answers, again)}) == 1
    assert again["releasedBy"]["email"] == shop.organization.staff_email
    assert [one["inForce"] for one in await holds_of(shop, ann)] == [False, True]
    assert await holds_of(shop, None) == [other, elsewhere]


async def test_wrong_input_is_refused_field_by_field_and_nothing_is_placed(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")

    wrong = await ask_to_place(shop, ann, reason=" ", until="2020-01-01T00:00:00Z")
    long = await ask_to_place(shop, ann, reason="x" * 501)
    nobody = await shop.ask(PLACE, token=await shop.staff(), input={"customerId": "bm9ib2R5", "reason": REASON})
    unknown = await shop.ask(RELEASE, token=await shop.staff(), id=ann.id)

    assert wrong.refusals("placeLegalHold") == [("REQUIRED", ["reason"]), ("INVALID", ["until"])]
    assert long.refusals("placeLegalHold") == [("TOO_LONG", ["reason"])]
    assert nobody.refusals("placeLegalHold") == [("NOT_FOUND", ["customerId"])]
    assert unknown.refusals("releaseLegalHold") == [("NOT_FOUND", ["id"])]
    assert await shop.count("legal_holds") == 0


async def test_a_customer_has_twenty_holds_at_most_and_a_list_has_pages(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    placed = [await place(shop, ann) for _ in range(MAX_IN_FORCE)]

    refused = await ask_to_place(shop, ann)
    assert refused.refusals("placeLegalHold") == [("LIMIT_REACHED", ["customerId"])]
    await release(shop, placed.pop(0))
    placed.append(await place(shop, ann))
    placed.append(await place(shop, bob))

    seen, after = [], None
    while True:
        answer = await shop.ask(HOLDS, token=await shop.staff(), first=6, after=after)
        page = answer.data["legalHolds"]
        seen += [one["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [one["id"] for one in placed]


async def test_a_customer_does_not_learn_of_a_hold(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await release(shop, await place(shop, ann))

    log = await shop.ask("{ me { accessLog(first: 100) { nodes { action } } } }", token=ann.token)

    assert "legal_hold" not in str(log.data)
    events = await shop.ask("{ auditEvents(first: 100) { nodes { action } } }", token=await shop.staff())
    actions = [one["action"] for one in events.data["auditEvents"]["nodes"]]
    assert [one for one in actions if one.startswith("legal_hold")] == ["legal_hold.released", "legal_hold.placed"]


async def test_another_organization_has_nothing_to_say(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    hold = await place(shop, ann)
    elsewhere = await shop.create_organization("elsewhere")
    token = await shop.staff(organization=elsewhere)

    seen = await shop.ask(HOLDS, token=token, organization=elsewhere, id=ann.id)
    released = await shop.ask(RELEASE, token=token, organization=elsewhere, id=hold["id"])
    placed = await shop.ask(PLACE, token=token, organization=elsewhere, input={"customerId": ann.id, "reason": REASON})

    assert seen.data["legalHolds"]["nodes"] == []
    assert released.refusals("releaseLegalHold") == [("NOT_FOUND", ["id"])]
    assert placed.refusals("placeLegalHold") == [("NOT_FOUND", ["customerId"])]
    assert await holds_of(shop, ann) == [hold]


@pytest.mark.parametrize("restored", ["main", "keystore"])
async def test_a_hold_survives_a_restore_of_either_database(urls: Urls, restored: str) -> None:
    backups = Backups(urls)
    async with open_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
        old = await place(shop, bob)
    await backups.make(restored)
    async with open_shop(urls, shop.organization) as shop:
        await place(shop, ann)
        await release(shop, old)
        await request(shop, customerId=bob.id)
        await request(shop, customerId=ann.id)
    await backups.restore(restored)

    async with open_shop(urls, shop.organization) as shop:
        [released] = await holds_of(shop, bob)
        assert (released["id"], released["inForce"]) == (old["id"], False)
        assert await erase(shop) == 1
        assert (await status(shop, ann), await status(shop, bob)) == ("REQUESTED", "COMPLETED")
        [hold] = await holds_of(shop, ann)
        assert hold["inForce"]
        # The reason is in the main database alone.
        assert hold["reason"] == (None if restored == "main" else REASON)
    await backups.drop()


async def test_a_request_during_a_hold_is_answered_like_any_other(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await place(shop, ann, until=datetime(2999, 1, 1, tzinfo=UTC).isoformat())

    first, second = await ask_to_forget(shop, customerId=ann.id), await ask_to_forget(shop, email=ann.email)

    assert first.payload("requestAnonymization")["anonymization"]["status"] == "REQUESTED"
    assert second.refusals("requestAnonymization") == [("ALREADY_REQUESTED", ["email"])]
