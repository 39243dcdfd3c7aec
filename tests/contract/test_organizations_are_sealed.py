"""Every field of the schema, asked by everybody of one organization with the ids of another."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from app.accounts.organizations.last_uses import LastUses
from app.server.schema import SCHEMA
from tests.contract.permissions import MATRIX, OK, Scene, make_scene, outcome
from tests.house import CONTRACT, House, Shop

ROOT_FIELDS = {
    name for root in (SCHEMA._schema.query_type, SCHEMA._schema.mutation_type) if root for name in root.fields
}
# What is not about anything that has an id: these answer about the caller's own organization or about nothing secret.
ABOUT_ONESELF = {
    "viewer",
    "countries",
    "country",
    "me",
    "customers",
    "organization",
    "staff",
    "apiClients",
    "register",
    "createOrganization",
    "updateOrganization",
    "createStaffMember",
    "createApiClient",
    "logout",
    "logoutEverywhere",
    "createPaymentSession",
    "addPaymentMethod",
    "createAddress",
    "changePassword",
    "createExtraField",
    "createGroup",
    "createMarket",
    "extraFields",
    "groups",
    "markets",
    "profileForm",
    "registrationForm",
    # Answered alike whatever the token or the address: what matters is that nothing changes.
    "unsubscribeNewsletter",
    "requestPasswordReset",
    "requestEmailVerification",
    "requestEmailChange",
    "requestLoginNameReminder",
}
TABLES = ("customers", "addresses", "payment_methods", "organizations", "api_clients", "staff_members")


def test_every_field_is_walked() -> None:
    assert set(MATRIX) == ROOT_FIELDS
    assert ABOUT_ONESELF <= ROOT_FIELDS


async def contents(house: House, shop: Shop) -> dict[str, list[Any]]:
    """Every row of an organization, of the tables that anybody could want to change."""
    await house.patron.services.get(LastUses).settle()
    found = {}
    column = {"organizations": "id"}
    value = shop.id.hex if house.patron.store.database.embedded else str(shop.id)
    async with house.patron.store.database.engine.connect() as connection:
        for table in TABLES:
            name = column.get(table, "organization_id")
            rows = await connection.execute(text(f"SELECT * FROM {table} WHERE {name} = '{value}' ORDER BY id"))
            found[table] = [tuple(row) for row in rows]
    return found


@pytest.mark.parametrize("field", sorted(MATRIX))
async def test_nobody_of_another_organization_reaches_what_the_ids_name(house: House, field: str) -> None:
    scene = await make_scene(house)
    eve = await house.register("eve@elsewhere.example.org", shop=scene.elsewhere)
    callers = {
        "guest": None,
        "customer": eve.token,
        "integration": await house.integration(shop=scene.elsewhere),
        "staff": scene.tokens["elsewhere"],
    }

    for caller, token in callers.items():
        # As a back office would: the owner in the first organization is named where one can be.
        scene.caller = "integration"
        variables = await MATRIX[field].variables(scene)
        before = await contents(house, house.shop)

        answer = await _ask(scene, field, variables, token)

        assert await contents(house, house.shop) == before, caller
        assert field in ABOUT_ONESELF or outcome(answer, field) != OK, caller
        assert "@example.org" not in str(answer.body), caller


async def _ask(scene: Scene, field: str, variables: Mapping[str, Any], token: str | None) -> Any:
    return await scene.house.ask(MATRIX[field].document, token=token, shop=scene.elsewhere, **variables)


async def test_a_token_with_the_key_of_another_organization_is_refused(house: House) -> None:
    scene = await make_scene(house)

    for token in (scene.ann.token, await house.integration(), await house.staff()):
        answer = await house.ask("Viewer", token=token, shop=scene.elsewhere)

        assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


async def test_a_cursor_of_another_organization_is_refused(house: House) -> None:
    scene = await make_scene(house)
    first = await house.ask("Customers", token=await house.integration(), first=1)
    cursor = first.data["customers"]["pageInfo"]["endCursor"]

    answer = await house.ask("Customers", token=scene.tokens["elsewhere"], first=1, after=cursor)

    assert cursor is not None
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "Customers" in CONTRACT


async def test_the_same_email_in_two_organizations_is_two_customers(house: House) -> None:
    scene = await make_scene(house)

    other = await house.register("ann@example.org", shop=scene.elsewhere)

    assert other.id != scene.ann.id
    assert (await house.ask("Me", token=other.token)).data["me"]["id"] == other.id
