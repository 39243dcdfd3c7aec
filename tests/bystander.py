"""Bystanders: people with open links, sessions, cards and orders of their own, whom a test is not about.

One lives in the test's organization, one in another that sorts before it. They are in the databases that a test copies,
so they cost it nothing. A test of what people own fails when a row of theirs is not as it was; one that looks at all
there is, is marked `alone`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.platform.db.columns import main_metadata
from app.platform.db.engine import Database
from app.privacy.exports.building import build_due
from app.server.runtime import open_runtime
from tests.shop import PASSWORD, Answer, SeededOrganization, Shop, Urls, open_shop, seed_organization

Rows = Mapping[str, frozenset[str]]

ADDRESS = {
    "firstName": "Byron",
    "lastName": "Stander",
    "line1": "1 Kerb",
    "city": "Bern",
    "postalCode": "3011",
    "country": "CH",
}
CARD = 'mutation { addPaymentMethod(input: { token: "tok_visa" }) { userErrors { code } } }'
EXPORT = "mutation { requestDataExport(input: {}) { userErrors { code } } }"
ERASURE = "mutation { requestMyErasure { userErrors { code } } }"
CHANGE = """mutation ($input: RequestEmailChangeInput!) {
    requestEmailChange(input: $input) { userErrors { code } } }"""
RESET = "mutation ($email: String!) { requestPasswordReset(input: { email: $email }) { userErrors { code } } }"
UPDATE = "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { code } } }"
FORGET = """mutation ($input: RequestAnonymizationInput!) {
    requestAnonymization(input: $input) { userErrors { code } } }"""
# Columns of what a bystander owns, by table; where the program may change some in passing, the others.
MAIN = {
    "addresses": "*",
    "anonymization_requests": "*",
    "customers": "*",
    "data_export_parts": "*",
    "data_exports": "*",
    "erasure_requests": "*",
    "gateway_customers": "*",
    "guess_counters": "*",
    "login_identifiers": "*",
    "login_sessions": "*",
    "order_numbers": "*",
    "orders": "*",
    "payment_methods": "*",
    "proofs": "*",
    "refresh_tokens": "*",
    "shopper_references": "*",
}
# A rotation wraps a key anew.
KEYSTORE = {"person_keys": "person_id", "erasures": "*"}


@dataclass(frozen=True, slots=True)
class Inhabited:
    """Databases with bystanders in them, and the organization that tests are about."""

    urls: Urls
    organization: SeededOrganization
    main: Rows
    keystore: Rows
    conditions: Mapping[str, str]
    """What picks their rows, for statements, by table."""

    async def changed(self, shop: Shop) -> dict[str, int]:
        """How many of the bystanders' rows are not as they were, by table."""
        store = shop.runtime.store
        found = {**await _rows(store.database, MAIN), **await _rows(store.vault.keystore, KEYSTORE)}
        before = {**self.main, **self.keystore}
        return {table: lost for table in before if (lost := len(before[table] - found[table]))}


async def inhabit(urls: Urls) -> Inhabited:
    """Have bystanders move into migrated databases."""
    async with open_runtime(urls.settings()) as runtime:
        neighbour = await seed_organization(runtime, "aardvark")
    async with open_shop(urls, source="198.51.100.7") as shop:
        await _live(shop, neighbour, "ann@example.org", order="1")
        await _live(shop, shop.organization, "by@example.net", order="by-1")
        # A worker must find nothing of theirs to do: mails are sent, delays have not ended.
        await shop.execute("DELETE FROM outgoing_mails")
        await shop.execute("DELETE FROM gateway_attempts")
        await shop.execute("UPDATE anonymization_requests SET due_at = '2999-01-01 00:00:00.000000'")
        store = shop.runtime.store
        main, keystore = await _rows(store.database, MAIN), await _rows(store.vault.keystore, KEYSTORE)
        conditions = await _conditions(store.database)
    empty = [table for table, rows in {**main, **keystore}.items() if not rows]
    assert empty == [], "A bystander has one of everything."
    return Inhabited(urls, shop.organization, main, keystore, conditions)


async def _live(shop: Shop, organization: SeededOrganization, email: str, *, order: str) -> None:
    """A customer who is in the middle of everything, and a guest with an order."""
    office, staff = await shop.integration(organization=organization), await shop.staff(organization=organization)
    person = await shop.register(email, organization=organization, loginName="byron", newsletter=True)

    async def own(query: str, **variables: Any) -> Answer:
        return await shop.ask(query, token=person.token, organization=organization, **variables)

    guessed = await shop.ask("Login", organization=organization, identifier=email, password="not the password")
    assert guessed.refusals("login") == [("INVALID_CREDENTIALS", None)]
    await shop.ask("Login", organization=organization, identifier=email, password=PASSWORD)
    reference = {"customerId": person.id, "shopperReference": f"crm-{organization.slug}"}
    orders = [{"customerId": person.id, "number": order}, {"email": "guest@example.net", "number": f"{order}-guest"}]
    paid = {"total": {"amount": "49.90", "currencyCode": "CHF"}, "itemCount": 1, "shippingAddress": ADDRESS}
    for name, answer in [
        ("updateCustomer", await shop.ask(UPDATE, token=office, input=reference)),
        ("createAddress", await own("CreateAddress", input=ADDRESS)),
        ("addPaymentMethod", await own(CARD)),
        *[("recordOrder", await shop.ask("RecordOrder", token=office, input={**one, **paid})) for one in orders],
        ("requestDataExport", await own(EXPORT)),
        ("requestPasswordReset", await shop.ask(RESET, organization=organization, email=email)),
        ("requestEmailChange", await own(CHANGE, input={"newEmail": "new@example.net", "password": PASSWORD})),
        ("requestMyErasure", await own(ERASURE)),
        ("requestAnonymization", await shop.ask(FORGET, token=staff, input={"email": "guest@example.net"})),
    ]:
        answer.payload(name)
    assert await build_due(shop.runtime.store) == 1


async def _rows(database: Database, columns: Mapping[str, str]) -> Rows:
    async with database.engine.connect() as connection:
        return {
            table: frozenset(repr(row) for row in await connection.execute(text(f"SELECT {names} FROM {table}")))
            for table, names in columns.items()
        }


async def _conditions(database: Database) -> Mapping[str, str]:
    """What is there while only bystanders are."""
    as_hex = "hex(key_hash)" if database.embedded else "upper(encode(key_hash, 'hex'))"
    async with database.engine.connect() as connection:

        async def values(query: str) -> str:
            found = await connection.execute(text(query))
            return ", ".join(sorted({f"'{value}'" for (value,) in found}))

        owners = await values("SELECT id FROM customers UNION SELECT owner_id FROM orders")
        counters = await values(f"SELECT {as_hex} FROM guess_counters")
        events = await values("SELECT id FROM audit_events")
    by_owner = {
        table.name: f"{name} IN ({owners})"
        for table in main_metadata.sorted_tables
        for name in ("owner_id", "customer_id")
        if name in table.columns
    }
    return {
        **by_owner,
        "audit_events": f"id IN ({events})",
        "customers": f"id IN ({owners})",
        "guess_counters": f"{as_hex} IN ({counters})",
    }
