"""Every field of the schema is called by one organization's callers with the ids of another organization."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from app.accounts.organizations.last_used import LastUsedTracker
from app.server.schema import SCHEMA
from tests.contract.permissions import MATRIX, OK, PermissionSetup, make_setup, outcome
from tests.shop import CONTRACT, SeededOrganization, Shop

ROOT_FIELDS = {
    name for root in (SCHEMA._schema.query_type, SCHEMA._schema.mutation_type) if root for name in root.fields
}
# Fields without an id: they answer about the caller's own organization, or about nothing secret.
OWN_ORGANIZATION_FIELDS = {
    "viewer",
    "countries",
    "country",
    "me",
    "customers",
    "auditEvents",
    "legalHolds",
    "erasureRequests",
    "dataExports",
    "retention",
    "requestMyErasure",
    "organization",
    "staff",
    "apiClients",
    "register",
    "createOrganization",
    "updateOrganization",
    "createStaffMember",
    "createApiClient",
    "createWebhookEndpoint",
    "webhookEndpoints",
    "logout",
    "logoutEverywhere",
    "acceptTerms",
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
    # Answered alike for any token or address: the test checks that nothing changes.
    "unsubscribeNewsletter",
    "requestPasswordReset",
    "requestEmailVerification",
    "requestEmailChange",
    "requestLoginNameReminder",
}
TABLES = (
    "customers",
    "addresses",
    "payment_methods",
    "organizations",
    "api_clients",
    "staff_members",
    "legal_holds",
    "erasure_requests",
    "data_exports",
    "webhook_endpoints",
    "webhook_deliveries",
)


def test_every_root_field_is_covered() -> None:
    assert set(MATRIX) == ROOT_FIELDS
    assert OWN_ORGANIZATION_FIELDS <= ROOT_FIELDS


async def organization_rows(shop: Shop, organization: SeededOrganization) -> dict[str, list[Any]]:
    """Every row of an organization, of the tables that a caller of another one could try to change."""
    await shop.runtime.services.get(LastUsedTracker).drain()
    found = {}
    column = {"organizations": "id"}
    value = organization.id.hex if shop.runtime.store.database.embedded else str(organization.id)
    async with shop.runtime.store.database.engine.connect() as connection:
        for table in TABLES:
            name = column.get(table, "organization_id")
            rows = await connection.execute(text(f"SELECT * FROM {table} WHERE {name} = '{value}' ORDER BY id"))
            found[table] = [tuple(row) for row in rows]
    return found


@pytest.mark.parametrize("field", sorted(MATRIX))
async def test_nobody_of_another_organization_reaches_what_the_ids_name(shop: Shop, field: str) -> None:
    setup = await make_setup(shop)
    eve = await shop.register("eve@elsewhere.example.org", organization=setup.elsewhere)
    callers = {
        "guest": None,
        "customer": eve.token,
        "integration": await shop.integration(organization=setup.elsewhere),
        "staff": setup.tokens["elsewhere"],
    }

    for caller, token in callers.items():
        # Like a back office: name the owner in the first organization where the input allows it.
        setup.caller = "integration"
        variables = await MATRIX[field].variables(setup)
        before = await organization_rows(shop, shop.organization)

        answer = await _ask(setup, field, variables, token)

        assert await organization_rows(shop, shop.organization) == before, caller
        assert field in OWN_ORGANIZATION_FIELDS or outcome(answer, field) != OK, caller
        assert "@example.org" not in str(answer.body), caller


async def _ask(setup: PermissionSetup, field: str, variables: Mapping[str, Any], token: str | None) -> Any:
    return await setup.shop.ask(MATRIX[field].document, token=token, organization=setup.elsewhere, **variables)


async def test_a_token_with_the_key_of_another_organization_is_refused(shop: Shop) -> None:
    setup = await make_setup(shop)

    for token in (setup.ann.token, await shop.integration(), await shop.staff()):
        answer = await shop.ask("Viewer", token=token, organization=setup.elsewhere)

        assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


async def test_a_cursor_of_another_organization_is_refused(shop: Shop) -> None:
    setup = await make_setup(shop)
    first = await shop.ask("Customers", token=await shop.integration(), first=1)
    cursor = first.data["customers"]["pageInfo"]["endCursor"]

    answer = await shop.ask("Customers", token=setup.tokens["elsewhere"], first=1, after=cursor)

    assert cursor is not None
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "Customers" in CONTRACT


async def test_the_same_email_in_two_organizations_is_two_customers(shop: Shop) -> None:
    setup = await make_setup(shop)

    other = await shop.register("ann@example.org", organization=setup.elsewhere)

    assert other.id != setup.ann.id
    assert (await shop.ask("Me", token=other.token)).data["me"]["id"] == other.id
