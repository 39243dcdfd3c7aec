"""Exports: all that is held about a customer and nothing about anybody else, for whoever may have it, and no longer."""

import asyncio
import csv
import io
import json
import zipfile
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from sqlmodel import col, select

from app.platform.languages import LANGUAGES
from app.platform.mail import outbox
from app.platform.mail.tables import OutgoingMail
from app.platform.principal import Scope
from app.privacy.erasure import erase_due
from app.privacy.exports import archive, building
from app.privacy.exports.building import build_due, sweep
from app.privacy.exports.sections import Section
from tests.contract.stored_values import PERSONAL, customer_with_everything
from tests.privacy.builders import make_due, request
from tests.shop import PASSWORD, Answer, Person, Shop

EXPORT = "export { id status requestedAt readyAt expiresAt size } userErrors { code field message }"
ASK = f"mutation ($input: RequestDataExportInput!) {{ requestDataExport(input: $input) {{ {EXPORT} }} }}"
MINE = "query ($id: ID) { dataExports(customerId: $id) { id status size expiresAt } }"
RESET_REQUEST = """mutation ($email: String!) {
    requestPasswordReset(input: { email: $email }) { userErrors { code } } }"""
NEW_PASSWORD = "another violet tractor"
# What protects others; and a telephone number is kept in its international form only.
WITHHELD = {"hold", "phone as typed"}


async def ask(shop: Shop, person: Person, **given: Any) -> Answer:
    return await shop.ask(ASK, token=person.token, input=given)


async def ask_as_staff(shop: Shop, person: Person) -> Any:
    answer = await shop.ask(ASK, token=await shop.staff(), input={"customerId": person.id})
    return answer.payload("requestDataExport")["export"]


async def links(shop: Shop, template: str = "DATA_EXPORT_READY") -> list[str]:
    """The tokens of the mails, oldest first."""
    vault = shop.runtime.store.vault
    async with shop.runtime.store.database.transaction() as session:
        rows = (await session.exec(select(OutgoingMail).order_by(col(OutgoingMail.id)))).all()
    found = []
    for row in rows:
        if row.template == template and row.sealed:
            content = (await vault.cipher(row.customer_id)).open(outbox.TABLE, row.id, row.sealed)
            found.append(content["values"]["token"])
    return found


async def export(shop: Shop, person: Person) -> str:
    """Ask for an export and build it; return the mailed token."""
    (await ask(shop, person)).payload("requestDataExport")
    assert await build_due(shop.runtime.store) == 1
    return (await links(shop))[-1]


async def download(shop: Shop, token: str, **form: str) -> httpx.Response:
    return await shop.client.post("/data-export", data={"token": token, **form})


async def download_as(shop: Shop, export_id: str, token: str | None, **headers: str) -> httpx.Response:
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return await shop.client.get(f"/data-exports/{export_id}", headers={**bearer, **headers})


def opened(response: httpx.Response) -> dict[str, str]:
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    assert int(response.headers["content-length"]) == len(response.content)
    with zipfile.ZipFile(io.BytesIO(response.content)) as found:
        return {name: found.read(name).decode() for name in found.namelist()}


def data(response: httpx.Response) -> Any:
    files = opened(response)
    found = json.loads(files["data.json"])
    Draft202012Validator(json.loads(files["export.schema.json"]), format_checker=FormatChecker()).validate(found)
    return found


async def test_it_has_all_that_was_typed_nothing_of_anybody_else_and_fits_its_schema(shop: Shop) -> None:
    bob = await shop.register("bob.bystander@example.org", firstName="Bystanding")
    await customer_with_everything(shop)

    files = opened(await download(shop, (await links(shop))[-1]))

    for name, value in PERSONAL.items():
        shown = value in files["data.json"]
        assert shown == (name not in WITHHELD), name
    assert "Bystanding" not in str(files)
    assert bob.email not in str(files)
    for secret in (PASSWORD, "$argon2", "tok_", "rt_", "dx_"):
        assert secret not in str(files), secret
    found = json.loads(files["data.json"])
    Draft202012Validator(json.loads(files["export.schema.json"]), format_checker=FormatChecker()).validate(found)
    assert [one.value for one in Section if not found[one.value]] == []
    assert set(files) == {
        "index.html",
        "data.json",
        "export.schema.json",
        *(f"{one.value}.csv" for one in Section),
    }
    for one in Section:
        rows = list(csv.DictReader(io.StringIO(files[f"{one.value}.csv"].removeprefix("\ufeff"))))
        assert len(rows) == len(found[one.value])


async def test_the_page_speaks_the_customer_s_language_says_why_and_runs_nothing(shop: Shop) -> None:
    await customer_with_everything(shop)

    page = opened(await download(shop, (await links(shop))[-1]))["index.html"]

    assert '<html lang="de">' in page
    assert "über Sie weiß" in page
    assert "Zahlungsdienst" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert PERSONAL["street"] in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_every_section(language: str) -> None:
    words = archive.texts(language)

    assert set(words["sections"]) == {section.value for section in Section}
    assert all(one["title"] and one["purpose"] for one in words["sections"].values())
    assert all(words[part]["text"] for part in ("recipients", "rights"))


async def test_what_looks_like_markup_or_a_formula_is_text(shop: Shop) -> None:
    ann = await shop.register("ann@example.org", firstName="<b>Ann</b>", lastName="=1+1", phone="+41446681800")

    files = opened(await download(shop, await export(shop, ann)))

    assert "<b>Ann" not in files["index.html"]
    assert "&lt;b&gt;Ann" in files["index.html"]
    [row] = csv.DictReader(io.StringIO(files["profile.csv"].removeprefix("\ufeff")))
    assert (row["lastName"], row["phone"]) == ("'=1+1", "+41446681800")


async def test_a_customer_gets_a_link_that_works_ten_minutes_and_a_session_opens_nothing(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await export(shop, ann)
    [mine] = (await shop.ask(MINE, token=ann.token)).data["dataExports"]

    for headers in ({}, {"x-api-key": shop.organization.key}):
        assert (await download_as(shop, mine["id"], ann.token, **headers)).status_code == 404
    assert (await download_as(shop, mine["id"], None)).status_code == 404
    shown = await shop.client.get("/data-export", params={"token": token})
    assert (shown.status_code, shown.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert data(await download(shop, token))["profile"][0]["email"] == ann.email
    # A second click on the same page.
    assert (await download(shop, token)).status_code == 200
    await shop.execute("UPDATE proofs SET used_at = '2026-01-01 00:00:00.000000' WHERE purpose = 'DATA_EXPORT'")
    again = await download(shop, token)

    assert (again.status_code, again.headers["content-type"].split(";")[0]) == (400, "text/html")
    assert (await download(shop, token[:-4] + "AAAA")).status_code == 400
    assert (await download(shop, "")).status_code == 400
    log = await shop.ask("{ me { accessLog(first: 100) { nodes { action } } } }", token=ann.token)
    actions = [one["action"] for one in log.data["me"]["accessLog"]["nodes"]]
    assert [one for one in actions if one.startswith("data_export")] == [
        "data_export.downloaded",
        "data_export.downloaded",
        "data_export.requested",
    ]


@pytest.mark.parametrize("how", ["changePassword", "resetPassword"])
async def test_a_new_password_voids_the_link_whoever_asked_for_it(shop: Shop, how: str) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    mine, bobs = await export(shop, ann), await export(shop, bob)
    password = {"newPassword": NEW_PASSWORD, "newPasswordConfirmation": NEW_PASSWORD}
    if how == "resetPassword":
        await shop.ask(RESET_REQUEST, email=ann.email)
        [token] = await links(shop, "RESET_PASSWORD")
        password = {"token": token, "password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
    else:
        password |= {"currentPassword": PASSWORD}
    document = (
        f"mutation ($input: {how[0].upper()}{how[1:]}Input!) {{ {how}(input: $input) {{ userErrors {{ code }} }} }}"
    )

    (await shop.ask(document, token=ann.token if how == "changePassword" else None, input=password)).payload(how)

    assert (await download(shop, mine)).status_code == 400
    assert (await download(shop, bobs)).status_code == 200


async def test_staff_download_what_staff_asked_for_and_nothing_is_mailed(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    asked = await ask_as_staff(shop, ann)
    staff = await shop.staff()
    assert (await download_as(shop, asked["id"], staff)).status_code == 404
    assert await build_due(shop.runtime.store) == 1

    assert data(await download_as(shop, asked["id"], staff))["profile"][0]["email"] == ann.email
    assert [one["askedBy"] for one in data(await download_as(shop, asked["id"], staff))["exports"]] == ["SHOP"]

    assert await links(shop) == []
    elsewhere = await shop.create_organization("elsewhere")
    for token in (
        ann.token,
        await shop.integration(),
        await shop.staff(Scope.CUSTOMERS_READ),
        await shop.staff(organization=elsewhere),
        "nonsense",
    ):
        assert (await download_as(shop, asked["id"], token)).status_code == 404
    [shown] = (await shop.ask(MINE, token=staff, id=ann.id)).data["dataExports"]
    assert (shown["id"], shown["status"]) == (asked["id"], "READY")


async def test_staff_do_not_get_what_the_customer_asked_for(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    await export(shop, ann)
    [mine] = (await shop.ask(MINE, token=ann.token)).data["dataExports"]

    assert (await download_as(shop, mine["id"], await shop.staff())).status_code == 404


async def test_another_customer_s_exports_are_nobody_s(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await export(shop, ann)

    assert (await shop.ask(MINE, token=bob.token, id=ann.id)).data["dataExports"] == []
    answer = await shop.ask(ASK, token=bob.token, input={"customerId": ann.id})
    assert answer.refusals("requestDataExport") == [("NOT_ALLOWED", ["customerId"])]
    assert (await shop.ask(MINE, token=await shop.staff())).codes == ["BAD_USER_INPUT"]


async def test_it_needs_a_fresh_proof_and_is_made_once_a_day(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await shop.execute("UPDATE login_sessions SET created_at = '2026-01-01 00:00:00.000000'")

    assert (await ask(shop, ann)).refusals("requestDataExport") == [("REQUIRED", ["password"])]
    wrong = await ask(shop, ann, password="not hers")
    assert wrong.refusals("requestDataExport") == [("INVALID_CREDENTIALS", ["password"])]
    answers = await asyncio.gather(*(ask(shop, ann, password=PASSWORD) for _ in range(5)))
    assert sorted(one.refusals("requestDataExport") for one in answers) == [[], *[[("ALREADY_REQUESTED", None)]] * 4]
    assert await build_due(shop.runtime.store) == 1
    refused = await ask(shop, ann, password=PASSWORD)
    assert refused.refusals("requestDataExport") == [("RATE_LIMITED", None)]
    (await ask(shop, bob, password=PASSWORD)).payload("requestDataExport")

    await shop.execute("UPDATE data_exports SET requested_at = '2026-01-01 00:00:00.000000' WHERE ready_at IS NOT NULL")
    (await ask(shop, ann, password=PASSWORD)).payload("requestDataExport")
    assert await build_due(shop.runtime.store) == 2
    # The newer one takes the place of the older one.
    assert len((await shop.ask(MINE, token=ann.token)).data["dataExports"]) == 1


@pytest.mark.alone("looks at whole tables")
async def test_an_export_goes_after_its_time_and_only_that_one(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    token, other = await export(shop, ann), await export(shop, bob)
    assert await sweep(shop.runtime.store) == 0
    of_ann = "(SELECT id FROM data_exports ORDER BY id LIMIT 1)"
    await shop.execute(f"UPDATE data_exports SET expires_at = '2026-01-01 00:00:00.000000' WHERE id = {of_ann}")

    assert (await download(shop, token)).status_code == 400
    assert (await shop.ask(MINE, token=ann.token)).data["dataExports"] == []
    assert await sweep(shop.runtime.store) == 1

    assert await shop.count("data_exports") == await shop.count("data_export_parts") == 1
    assert data(await download(shop, other))["profile"][0]["email"] == bob.email


async def test_an_erasure_takes_exports_with_it(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    token, other = await export(shop, ann), await export(shop, bob)
    asked = await ask_as_staff(shop, ann)
    await request(shop, customerId=ann.id)
    await make_due(shop)

    assert await erase_due(shop.runtime.store) == 1

    assert (await download(shop, token)).status_code == 400
    assert await build_due(shop.runtime.store) == 0
    assert (await download_as(shop, asked["id"], await shop.staff())).status_code == 404
    assert await shop.count("data_exports") == 1
    assert (await download(shop, other)).status_code == 200


async def test_a_large_export_is_kept_and_sent_in_parts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "PART_BYTES", 1000)
    ann = await shop.register("ann@example.org", firstName="Ann")

    token = await export(shop, ann)

    assert await shop.count("data_export_parts") > 3
    assert data(await download(shop, token))["profile"][0]["firstName"] == "Ann"


async def test_a_failure_is_shown_and_tried_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shop.register("ann@example.org")
    (await ask(shop, ann)).payload("requestDataExport")

    def broken(*_: object, **__: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(archive, "make", broken)
        assert await build_due(shop.runtime.store) == 0
    assert [one["status"] for one in (await shop.ask(MINE, token=ann.token)).data["dataExports"]] == ["FAILED"]
    assert await shop.count("data_export_parts") == 0
    assert await links(shop) == []
    assert await build_due(shop.runtime.store) == 0

    await shop.execute("UPDATE data_exports SET due_at = '2026-01-01 00:00:00.000000'")
    assert await build_due(shop.runtime.store) == 1
    assert len(await links(shop)) == 1


async def test_a_link_that_went_to_an_address_that_is_not_the_account_s_any_more_is_void(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    token = await export(shop, ann)
    change = {"customerId": ann.id, "email": "new@example.org"}
    await shop.ask("UpdateCustomer", token=await shop.integration(), input=change)

    assert (await download(shop, token)).status_code == 400
