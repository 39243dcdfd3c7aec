"""An organization's own settings and staff."""

from typing import Any

from app.platform.graphql import ids
from app.platform.principal import OrganizationSettings
from app.server.schema import SCHEMA
from tests.accounts.oauth.forms import assertion, bear, refused
from tests.house import House

STAFF = "{ staff { id email firstName } }"
ADD = """mutation ($input: CreateStaffMemberInput!) { createStaffMember(input: $input) {
    staffMember { id email firstName } userErrors { code field } } }"""
REMOVE = """mutation ($id: ID!) { deleteStaffMember(input: { id: $id }) {
    deletedStaffMemberId endedSessions userErrors { code field } } }"""
UPDATE = """mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) {
    organization { name settings { requireApiKey requireVerifiedEmail addressStrictness } }
    userErrors { code field } } }"""


async def test_every_setting_of_the_program_is_a_typed_field(house: House) -> None:
    schema = SCHEMA._schema
    for name in ("OrganizationSettings", "OrganizationSettingsInput"):
        fields: Any = schema.type_map[name]
        assert len(fields.fields) == len(OrganizationSettings.__dataclass_fields__)


async def test_changed_settings_hold_from_the_next_request_on(house: House) -> None:
    token = await house.integration()

    changed = await house.ask(
        UPDATE, token=token, input={"name": "Shop", "settings": {"requireApiKey": True, "addressStrictness": "WARN"}}
    )

    assert changed.payload("updateOrganization")["organization"] == {
        "name": "Shop",
        "settings": {"requireApiKey": True, "requireVerifiedEmail": False, "addressStrictness": "WARN"},
    }
    assert (await house.post({"query": "{ viewer { kind } }"})).status == 401
    found = await house.ask("{ organization { name slug settings { requireApiKey } } }", token=token)
    assert found.data["organization"] == {"name": "Shop", "slug": "first", "settings": {"requireApiKey": True}}
    assert (await house.audit())[-1] == "organization.updated"


async def test_a_null_takes_a_setting_back_to_its_default(house: House) -> None:
    token = await house.integration()

    changed = await house.ask(UPDATE, token=token, input={"settings": {"requireVerifiedEmail": None}})

    settings = changed.payload("updateOrganization")["organization"]["settings"]
    assert settings["requireVerifiedEmail"] is OrganizationSettings().require_verified_email
    refusal = await house.ask(UPDATE, token=token, input={"name": "x" * 256})
    assert refusal.refusals("updateOrganization") == [("TOO_LONG", ["name"])]


async def test_a_new_staff_member_can_be_acted_for_until_removed(house: House) -> None:
    token = await house.integration()
    made = (await house.ask(ADD, token=token, input={"email": "Kim@first.example.org", "firstName": "Kim"})).payload(
        "createStaffMember"
    )["staffMember"]

    subject = str(ids.decode("Staff", made["id"]))
    acting = (await bear(house, assertion(house.shop, sub=subject))).json()["access_token"]
    assert (await house.ask("Viewer", token=acting)).data["viewer"]["kind"] == "STAFF"

    removed = (await house.ask(REMOVE, token=token, id=made["id"])).payload("deleteStaffMember")

    assert removed == {"deletedStaffMemberId": made["id"], "endedSessions": 1, "userErrors": []}
    assert (await house.ask("Viewer", token=acting)).status == 401
    assert refused(await bear(house, assertion(house.shop, sub=subject))) == (400, "invalid_grant")
    again = await house.ask(REMOVE, token=token, id=made["id"])
    assert again.refusals("deleteStaffMember") == [("NOT_FOUND", ["id"])]
    assert [one["email"] for one in (await house.ask(STAFF, token=token)).data["staff"]] == [house.shop.staff_email]
    back = await house.ask(ADD, token=token, input={"email": "kim@first.example.org"})
    assert back.payload("createStaffMember")["staffMember"]["id"] != made["id"]


async def test_a_wrong_or_taken_staff_address_is_refused(house: House) -> None:
    token = await house.integration()
    before = await house.counts()

    taken = await house.ask(ADD, token=token, input={"email": house.shop.staff_email.upper()})
    wrong = await house.ask(ADD, token=token, input={"email": "x", "lastName": "y" * 33})

    assert taken.refusals("createStaffMember") == [("EMAIL_TAKEN", ["email"])]
    assert wrong.refusals("createStaffMember") == [("INVALID", ["email"]), ("TOO_LONG", ["lastName"])]
    assert await house.counts() == before
