"""Tests of an organization's settings and staff members."""

from typing import Any

import pytest

from app.platform.graphql import ids
from app.platform.principal import OrganizationSettings
from app.server.schema import SCHEMA
from tests.accounts.oauth.forms import assertion, refusal_of, send_assertion
from tests.shop import Shop

STAFF = "{ staff { id email firstName } }"
ADD = """mutation ($input: CreateStaffMemberInput!) { createStaffMember(input: $input) {
    staffMember { id email firstName } userErrors { code field } } }"""
REMOVE = """mutation ($id: ID!) { deleteStaffMember(input: { id: $id }) {
    deletedStaffMemberId endedSessions userErrors { code field } } }"""
UPDATE = """mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) {
    organization { name settings { requireApiKey requireVerifiedEmail addressStrictness } }
    userErrors { code field } } }"""


async def test_every_setting_of_the_program_is_a_typed_field(shop: Shop) -> None:
    schema = SCHEMA._schema
    for name in ("OrganizationSettings", "OrganizationSettingsInput"):
        fields: Any = schema.type_map[name]
        assert len(fields.fields) == len(OrganizationSettings.__dataclass_fields__)


async def test_changed_settings_hold_from_the_next_request_on(shop: Shop) -> None:
    token = await shop.integration()

    changed = await shop.ask(
        UPDATE, token=token, input={"name": "Shop", "settings": {"requireApiKey": True, "addressStrictness": "WARN"}}
    )

    assert changed.payload("updateOrganization")["organization"] == {
        "name": "Shop",
        "settings": {"requireApiKey": True, "requireVerifiedEmail": False, "addressStrictness": "WARN"},
    }
    assert (await shop.post({"query": "{ viewer { kind } }"})).status == 401
    found = await shop.ask("{ organization { name slug settings { requireApiKey } } }", token=token)
    assert found.data["organization"] == {"name": "Shop", "slug": "first", "settings": {"requireApiKey": True}}
    assert (await shop.audit())[-1] == "organization.updated"


async def test_a_null_takes_a_setting_back_to_its_default(shop: Shop) -> None:
    token = await shop.integration()

    changed = await shop.ask(UPDATE, token=token, input={"settings": {"requireVerifiedEmail": None}})

    settings = changed.payload("updateOrganization")["organization"]["settings"]
    assert settings["requireVerifiedEmail"] is OrganizationSettings().require_verified_email
    refusal = await shop.ask(UPDATE, token=token, input={"name": "x" * 256})
    assert refusal.refusals("updateOrganization") == [("TOO_LONG", ["name"])]


@pytest.mark.parametrize(
    ("setting", "right", "wrong", "shown"),
    [
        ("passwordMinLength", [8, 128], [7, 129], {"rule": "RANGE", "min": 8, "max": 128}),
        ("retainSessionsDays", [1, 3650], [0, 3651], {"rule": "RANGE", "min": 1, "max": 3650}),
        ("retainMailsDays", [1, 3650], [0, 3651], {"rule": "RANGE", "min": 1, "max": 3650}),
        ("retainIdleGuestsDays", [1, 3650], [0, 3651], {"rule": "RANGE", "min": 1, "max": 3650}),
        ("retainOrdersDays", [1, 10_000], [0, 10_001], {"rule": "RANGE", "min": 1, "max": 10_000}),
        (
            "corsOrigins",
            [[f"https://shop{number}.example.org" for number in range(100)]],
            [[f"https://shop{number}.example.org" for number in range(101)]],
            {"rule": "COUNT", "min": None, "max": 100},
        ),
        (
            "corsOrigins",
            [["https://shop.example.org", "http://localhost:3000"]],
            [["https://Shop.example.org"], ["https://shop.example.org/"], ["shop.example.org"]],
            {"rule": "URL", "min": None, "max": None},
        ),
    ],
)
async def test_a_setting_out_of_its_range_is_refused_and_the_others_stay(
    shop: Shop, setting: str, right: list[Any], wrong: list[Any], shown: dict[str, Any]
) -> None:
    token = await shop.integration()
    document = f"""mutation ($input: UpdateOrganizationInput!) {{ updateOrganization(input: $input) {{
        organization {{ settings {{ {setting} }} }}
        userErrors {{ code field ... on InputError {{ rule min max }} }} }} }}"""

    for value in right:
        done = await shop.ask(document, token=token, input={"settings": {setting: value}})
        assert done.payload("updateOrganization")["organization"]["settings"][setting] == value
    for value in wrong:
        refused = await shop.ask(document, token=token, input={"settings": {setting: value}, "name": "Other"})
        [error] = refused.data["updateOrganization"]["userErrors"]
        assert (error["code"], error["field"][:2]) == ("INVALID", ["settings", setting])
        assert {name: error[name] for name in shown} == shown

    kept = (await shop.ask(f"{{ organization {{ name settings {{ {setting} }} }} }}", token=token)).data["organization"]
    assert kept == {"name": "First", "settings": {setting: right[-1]}}


async def test_a_new_staff_member_can_be_acted_for_until_removed(shop: Shop) -> None:
    token = await shop.integration()
    made = (await shop.ask(ADD, token=token, input={"email": "Kim@first.example.org", "firstName": "Kim"})).payload(
        "createStaffMember"
    )["staffMember"]

    subject = str(ids.decode("Staff", made["id"]))
    acting = (await send_assertion(shop, assertion(shop.organization, sub=subject))).json()["access_token"]
    assert (await shop.ask("Viewer", token=acting)).data["viewer"]["kind"] == "STAFF"

    removed = (await shop.ask(REMOVE, token=token, id=made["id"])).payload("deleteStaffMember")

    assert removed == {"deletedStaffMemberId": made["id"], "endedSessions": 1, "userErrors": []}
    assert (await shop.ask("Viewer", token=acting)).status == 401
    assert refusal_of(await send_assertion(shop, assertion(shop.organization, sub=subject))) == (400, "invalid_grant")
    again = await shop.ask(REMOVE, token=token, id=made["id"])
    assert again.refusals("deleteStaffMember") == [("NOT_FOUND", ["id"])]
    assert [one["email"] for one in (await shop.ask(STAFF, token=token)).data["staff"]] == [
        shop.organization.staff_email
    ]
    back = await shop.ask(ADD, token=token, input={"email": "kim@first.example.org"})
    assert back.payload("createStaffMember")["staffMember"]["id"] != made["id"]


async def test_a_wrong_or_taken_staff_address_is_refused(shop: Shop) -> None:
    token = await shop.integration()
    before = await shop.counts()

    taken = await shop.ask(ADD, token=token, input={"email": shop.organization.staff_email.upper()})
    wrong = await shop.ask(ADD, token=token, input={"email": "x", "lastName": "y" * 33})

    assert taken.refusals("createStaffMember") == [("EMAIL_TAKEN", ["email"])]
    assert wrong.refusals("createStaffMember") == [("INVALID", ["email"]), ("TOO_LONG", ["lastName"])]
    assert await shop.counts() == before
