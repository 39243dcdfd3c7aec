"""Tests of plans and receipts: what they say is what was there and is not any more, and nobody can change one."""

import asyncio
import base64
import json
import sys
from asyncio.subprocess import PIPE
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from app.platform.vault import retirement
from app.platform.vault.rotation import rotate
from app.platform.vault.schedule import KeySchedule
from app.privacy.erasure import erase_due
from app.privacy.receipts.contents import content
from app.privacy.receipts.issuing import Issuer, issue_receipts
from app.privacy.receipts.keys import add_key, all_keys
from app.privacy.receipts.verification import BadReceipt, verify
from tests.contract.stored_values import customer_with_everything, settle_gateways
from tests.platform.vault.builders import open_file_shop
from tests.privacy.builders import guest_order, make_due, request
from tests.shop import Shop, Urls

DAY = timedelta(days=1)
ISSUER = Issuer("https://accounts.example.org", KeySchedule(7 * DAY, 7 * DAY))
ROOT = Path(__file__).parents[2]
VERIFIER = ROOT / "scripts" / "verify-receipt"
SCHEMA = json.loads((ROOT / "docs" / "receipt.schema.json").read_text())
ENTRIES = "entries { store deleted anonymised kept ground keptUntil }"
RECEIPT = f"""query ($id: ID!) {{ erasureReceipt(anonymizationId: $id) {{ jws previousJws issuedAt keyDestroyedAt
    irrecoverableBy irrecoverableAt unanswered cannotSee {ENTRIES} }} }}"""
PLAN = """query ($id: ID!) { anonymizationPlan(customerId: $id) {
    blockedBy { reason until } entries { store count outcome ground keptUntil } } }"""
STATUS = """query ($id: ID!) { customer(by: { id: $id }) { anonymization {
    id status pendingAt completedAt keyDestroyedAt irrecoverableBy irrecoverableAt } } }"""


async def plan(shop: Shop, customer_id: str) -> Any:
    return (await shop.ask(PLAN, token=await shop.staff(), id=customer_id)).data["anonymizationPlan"]


async def receipt(shop: Shop, request_id: str) -> Any:
    return (await shop.ask(RECEIPT, token=await shop.staff(), id=request_id)).data["erasureReceipt"]


async def anonymization(shop: Shop, customer_id: str) -> Any:
    return (await shop.ask(STATUS, token=await shop.staff(), id=customer_id)).data["customer"]["anonymization"]


async def jwks(shop: Shop) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await shop.client.get("/.well-known/receipt-keys.json")).json()["keys"]
    return found


def by_store(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["store"]: one for one in entries}


async def test_the_receipt_says_what_the_plan_said(shop: Shop) -> None:
    zoe = await customer_with_everything(shop)
    planned = await plan(shop, zoe.id)
    request_id = (await anonymization(shop, zoe.id))["id"]
    assert await receipt(shop, request_id) is None

    assert await erase_due(shop.runtime.store) == 1
    assert await issue_receipts(shop.runtime.store, ISSUER) == 1

    entries = by_store((await receipt(shop, request_id))["entries"])
    assert list(entries) == [one["store"] for one in planned["entries"]]
    for one in planned["entries"]:
        found = entries[one["store"]]
        places = {"DELETED": "deleted", "ANONYMIZED": "anonymised", "KEPT": "kept"}
        # What the erasure and its being watched add to the audit log is kept, too.
        assert found[places[one["outcome"]]] >= one["count"] > 0
        assert one["outcome"] == "KEPT" or found[places[one["outcome"]]] == one["count"]
        assert sum(found[place] for place in places.values()) == found[places[one["outcome"]]]
        assert (found["ground"], found["keptUntil"]) == (one["ground"], None)
    assert {name: one["deleted"] for name, one in entries.items() if one["deleted"]} == {
        "login_identifiers": 2,
        "shopper_references": 1,
        "addresses": 2,
        "payment_methods": 1,
        "gateway_customers": 1,
        "login_sessions": 1,
        "refresh_tokens": 1,
        "proofs": 2,
        "guess_counters": 1,
        "data_exports": 1,
        "data_export_parts": 1,
        "outgoing_mails": 5,
        "webhook_events": 1,
        "webhook_deliveries": 1,
        "person_keys": 1,
        "payment_gateways": 2,
    }
    assert entries["orders"]["anonymised"] == entries["customers"]["anonymised"] == 1
    assert entries["orders"]["ground"] == "BOOKKEEPING"


async def test_a_plan_changes_nothing_and_says_what_stands_in_the_way(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await guest_order(shop, "bob@example.org", "b-1")

    free = await plan(shop, ann.id)
    await request(shop, customerId=ann.id)
    requested = await plan(shop, ann.id)
    await make_due(shop)
    assert await erase_due(shop.runtime.store) == 1
    erased = await plan(shop, ann.id)

    assert [one["blockedBy"] for one in (free, requested, erased)] == [
        [],
        [{"reason": "ALREADY_REQUESTED", "until": None}],
        [{"reason": "ALREADY_ANONYMIZED", "until": None}],
    ]
    assert by_store(free["entries"])["customers"] == {
        "store": "customers",
        "count": 1,
        "outcome": "ANONYMIZED",
        "ground": "BOOKKEEPING",
        "keptUntil": None,
    }
    assert {one["outcome"] for one in erased["entries"]} == {"ANONYMIZED", "KEPT"}
    assert await plan(shop, "Q3VzdG9tZXI6bm9uc2Vuc2U=") is None


async def test_a_payment_gateway_that_has_not_answered_is_named_until_it_has(shop: Shop) -> None:
    zoe = await customer_with_everything(shop)
    await erase_due(shop.runtime.store)
    await issue_receipts(shop.runtime.store, ISSUER)
    before = await anonymization(shop, zoe.id)

    await settle_gateways(shop)
    after = await anonymization(shop, zoe.id)

    assert (before["pendingAt"], after["pendingAt"]) == (["sandbox"], [])
    assert (await receipt(shop, before["id"]))["unanswered"] == ["sandbox"]
    assert before["keyDestroyedAt"] == before["completedAt"]


@pytest.mark.alone("looks at whole tables")
async def test_a_guest_s_receipt_names_nobody(shop: Shop) -> None:
    for number in ("g-1", "g-2"):
        await guest_order(shop, "guest@example.org", number)
    bystander = await guest_order(shop, "other@example.org", "o-1")
    request_id = (await request(shop, email="guest@example.org"))["id"]
    await make_due(shop)

    assert await erase_due(shop.runtime.store) == 1
    assert await issue_receipts(shop.runtime.store, ISSUER) == 1

    found = await receipt(shop, request_id)
    claimed = verify(found["jws"], await jwks(shop))
    assert (claimed["subject"], claimed["person"]) == ("GUEST", None)
    entries = by_store(found["entries"])
    assert set(entries) == {"guest_orders", "person_keys"}
    assert (entries["guest_orders"]["anonymised"], entries["person_keys"]["deleted"]) == (2, 2)
    assert await shop.count("orders", f"number = '{bystander}' AND sealed IS NOT NULL") == 1


async def test_two_receipts_follow_each_other_when_the_key_versions_are_destroyed(urls: Urls) -> None:
    async with open_file_shop(urls) as shop:
        ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
        request_id = (await request(shop, customerId=ann.id))["id"]
        await make_due(shop)
        await erase_due(shop.runtime.store)
        vault = shop.runtime.store.vault

        issued = [await issue_receipts(shop.runtime.store, ISSUER) for _ in range(2)]
        first, scheduled = await receipt(shop, request_id), await anonymization(shop, ann.id)
        await rotate(vault.keystore, vault.ring)
        assert await issue_receipts(shop.runtime.store, ISSUER) == 0
        destroyed_at = await retirement.retire(vault.keystore, vault.ring, 1, grace=timedelta(0))
        issued += [await issue_receipts(shop.runtime.store, ISSUER) for _ in range(2)]
        second, final = await receipt(shop, request_id), await anonymization(shop, ann.id)

        assert issued == [1, 0, 1, 0]
        assert first["previousJws"] is first["irrecoverableAt"] is scheduled["irrecoverableAt"] is None
        assert first["irrecoverableBy"] == scheduled["irrecoverableBy"]
        assert second["previousJws"] == first["jws"]
        assert second["irrecoverableAt"] == final["irrecoverableAt"]
        assert second["irrecoverableAt"][:19] == destroyed_at.isoformat()[:19]
        assert first["cannotSee"] == ["MAILBOXES", "OTHER_SYSTEMS", "PAYMENT_RECORDS", "BACKUPS"]
        assert second["cannotSee"] == ["MAILBOXES", "OTHER_SYSTEMS", "PAYMENT_RECORDS"]
        for one in (first, second):
            Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(verify(one["jws"], await jwks(shop)))
        verify(second["jws"], await jwks(shop), previous=first["jws"])
        with pytest.raises(BadReceipt, match="does not follow"):
            verify(second["jws"], await jwks(shop), previous=second["jws"])
        assert (await anonymization(shop, bob.id)) is None


async def test_nothing_is_certified_while_something_is_left(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = (await request(shop, customerId=ann.id))["id"]
    await make_due(shop)
    await erase_due(shop.runtime.store)
    await shop.execute("UPDATE customers SET terms_version = 'left' WHERE erased_at IS NOT NULL")

    assert await issue_receipts(shop.runtime.store, ISSUER) == 0
    assert await receipt(shop, request_id) is None

    await shop.execute("UPDATE customers SET terms_version = NULL WHERE erased_at IS NOT NULL")
    assert await issue_receipts(shop.runtime.store, ISSUER) == 1


async def test_an_erasure_that_left_something_fails_and_is_repeated(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await shop.register("ann@example.org")
    await request(shop, customerId=ann.id)
    await make_due(shop)

    async def forgets_nothing(*_: object, **__: object) -> int:
        return 0

    with monkeypatch.context() as patch:
        patch.setattr("app.platform.mail.outbox.erase", forgets_nothing)
        assert await erase_due(shop.runtime.store) == 0
    assert (await anonymization(shop, ann.id))["status"] == "FAILED"
    await make_due(shop)

    assert await erase_due(shop.runtime.store) == 1
    assert await issue_receipts(shop.runtime.store, ISSUER) == 1
    found = await receipt(shop, (await anonymization(shop, ann.id))["id"])
    assert by_store(found["entries"])["outgoing_mails"]["deleted"] == 1


async def test_a_changed_receipt_one_of_another_key_and_another_kind_of_token_are_refused(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = (await request(shop, customerId=ann.id))["id"]
    await make_due(shop)
    await erase_due(shop.runtime.store)
    await issue_receipts(shop.runtime.store, ISSUER)
    jws = (await receipt(shop, request_id))["jws"]
    keys = await jwks(shop)

    head, _, signature = jws.split(".")
    body = base64.urlsafe_b64encode(json.dumps({**content(jws), "iat": 1}).encode()).decode().rstrip("=")
    for bad, reason in [
        (f"{head}.{body}.{signature}", "was changed"),
        (ann.token, "not a receipt"),
        ("nonsense", "not a signed receipt"),
        (jws[:-4] + "AAAA", "was changed"),
    ]:
        with pytest.raises(BadReceipt, match=reason):
            verify(bad, keys)
    with pytest.raises(BadReceipt, match="None of the published keys"):
        verify(jws, [])
    assert verify(jws, keys)["iss"] == ISSUER.url


async def test_a_new_key_signs_and_the_old_one_stays_published(shop: Shop) -> None:
    (old,) = await all_keys(shop.runtime.store.vault)
    new = await add_key(shop.runtime.store.vault)

    published = [key["kid"] for key in await jwks(shop)]

    assert published == [old.kid, new.kid]
    ann = await shop.register("ann@example.org")
    request_id = (await request(shop, customerId=ann.id))["id"]
    await make_due(shop)
    await erase_due(shop.runtime.store)
    await issue_receipts(shop.runtime.store, ISSUER)
    assert jwt.get_unverified_header((await receipt(shop, request_id))["jws"]) == {
        "alg": "EdDSA",
        "typ": "erasure-receipt+jwt",
        "kid": new.kid,
    }


async def _run_verifier(*files: Path) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(sys.executable, VERIFIER, *files, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_the_stand_alone_verifier_accepts_what_we_issue_and_nothing_else(shop: Shop, tmp_path: Path) -> None:
    ann = await shop.register("ann@example.org")
    request_id = (await request(shop, customerId=ann.id))["id"]
    await make_due(shop)
    await erase_due(shop.runtime.store)
    await issue_receipts(shop.runtime.store, ISSUER)
    jws = (await receipt(shop, request_id))["jws"]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": await jwks(shop)}))
    (tmp_path / "good").write_text(jws + "\n")
    (tmp_path / "changed").write_text(jws[:-4] + "AAAA")

    good, changed = [await _run_verifier(tmp_path / name, tmp_path / "keys.json") for name in ("good", "changed")]

    assert (good[0], json.loads(good[1])["iss"]) == (0, ISSUER.url)
    assert (changed[0], changed[1]) == (1, "")
    assert "changed after it was signed" in changed[2]
    assert len(VERIFIER.read_text().splitlines()) <= 80
    assert "import app" not in VERIFIER.read_text()


async def test_another_organization_sees_neither_the_plan_nor_the_receipt(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    request_id = (await request(shop, customerId=ann.id))["id"]
    await make_due(shop)
    await erase_due(shop.runtime.store)
    await issue_receipts(shop.runtime.store, ISSUER)
    elsewhere = await shop.create_organization("elsewhere")
    token = await shop.staff(organization=elsewhere)

    seen = await shop.ask(RECEIPT, token=token, organization=elsewhere, id=request_id)
    planned = await shop.ask(PLAN, token=token, organization=elsewhere, id=ann.id)

    assert await receipt(shop, request_id)
    assert seen.data == {"erasureReceipt": None}
    assert planned.data == {"anonymizationPlan": None}
