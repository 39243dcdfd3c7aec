"""A customer with one of everything, and a search of all stored values."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData, text

from app.accounts.webhooks.deliveries import spread
from app.customers.payment_methods.gateways.interface import Gateways
from app.customers.payment_methods.reconciliation import reconcile
from app.platform.db.columns import main_metadata
from app.platform.db.engine import Database
from app.platform.vault.tables import keystore_metadata
from app.privacy.exports.building import build_due
from tests.shop import Person, Shop

PERSONAL = {
    "email": "zoe.quillfeather@example.org",
    "first name": "Zoëlinde",
    "last name": "Quillfeather",
    "phone": "+41446681800",
    "phone as typed": "44 668 18 00",
    "fax": "fax-9917-3355",
    "company": "Quillfeather Kräuter AG",
    "birth date": "1971-03-09",
    "reference": "crm-zq-7781",
    "tax code": "exempt-zq-22",
    "metadata": "likes-lavender",
    "street": "Rosenhügelstraße 77b",
    "city": "Appenzell-Dörfli",
    "notes": "Bell of the herbalist",
    "card": "4242",
    "image": "quill.example.org/zoe.png",
    "agent": "ZoeBrowser/9.1",
    "login name": "zoe-of-the-hills",
    "answer": "Yarrow and sage",
    "hold": "Quarrel over a hedge",
    "refusal": "The lavender is not paid yet",
}
REGISTRATION: dict[str, Any] = {
    "firstName": PERSONAL["first name"],
    "lastName": PERSONAL["last name"],
    "phone": "+41 44 668 18 00",
    "fax": PERSONAL["fax"],
    "company": PERSONAL["company"],
    "birthDate": PERSONAL["birth date"],
    "locale": "de-CH",
    "newsletter": True,
    "loginName": PERSONAL["login name"],
    "attributes": [{"name": "herbs", "value": PERSONAL["answer"]}],
}
BACK_OFFICE = {
    "reference": PERSONAL["reference"],
    "referenceOrigin": "crm-zq",
    "taxExemptionCode": PERSONAL["tax code"],
    "metadata": {"hobby": PERSONAL["metadata"]},
    "imageUrl": f"https://{PERSONAL['image']}",
}
ADDRESS = {
    "firstName": PERSONAL["first name"],
    "lastName": PERSONAL["last name"],
    "line1": PERSONAL["street"],
    "city": PERSONAL["city"],
    "postalCode": "9050",
    "country": "CH",
    "phone": "+41 44 668 18 00",
    "notes": PERSONAL["notes"],
}
MONEY = {"amount": "49.90", "currencyCode": "CHF"}
ORDER_ADDRESS = {name: value for name, value in ADDRESS.items() if name != "notes"}
ORDER_ADDRESSES = {"shippingAddress": ORDER_ADDRESS, "billingAddress": ORDER_ADDRESS}
ADD_CARD = """mutation { addPaymentMethod(input: { token: "tok_visa" }) {
    paymentMethod { id last4 } userErrors { code } } }"""


ASK_FOR_ERASURE = "mutation { requestMyErasure { request { id } userErrors { code } } }"
DECLINE_ERASURE = """mutation ($id: ID!, $reason: String!) {
    declineErasureRequest(input: { id: $id, reason: $reason }) { userErrors { code } } }"""
ASK_FOR_EXPORT = "mutation { requestDataExport(input: {}) { export { id } userErrors { code } } }"
PLACE_HOLD = """mutation ($id: ID!, $reason: String!) { placeLegalHold(input: { customerId: $id, reason: $reason }) {
    hold { id } userErrors { code } } }"""
RELEASE_HOLD = """mutation ($id: ID!) { releaseLegalHold(input: { id: $id }) { userErrors { code } } }"""
ADD_ENDPOINT = """mutation { createWebhookEndpoint(input: {
    url: "http://127.0.0.1:9/"
    events: [CUSTOMER_UPDATED, ADDRESS_UPDATED, CUSTOMER_ANONYMIZATION_REQUESTED, CUSTOMER_ANONYMIZED]
}) { userErrors { code } } }"""
ADD_FIELD = """mutation { createExtraField(input: {
    name: "herbs", type: TEXT, labels: [{ locale: "en", text: "Favourite herbs" }]
}) { userErrors { code } } }"""


async def customer_with_everything(shop: Shop) -> Person:
    """A customer who owns one of everything; extend it when a package begins to store something."""
    shop.client.headers["user-agent"] = PERSONAL["agent"]
    # A caller's own words, which must not stay in the audit log.
    shop.client.headers["x-request-id"] = f"{PERSONAL['last name']}_1971"
    (await shop.ask(ADD_FIELD, token=await shop.integration())).payload("createExtraField")
    (await shop.ask(ADD_ENDPOINT, token=await shop.integration())).payload("createWebhookEndpoint")
    person = await shop.register(PERSONAL["email"], **REGISTRATION)
    await shop.ask("Login", identifier=PERSONAL["email"], password="not hers")
    change = {"customerId": person.id, **BACK_OFFICE}
    (await shop.ask("UpdateCustomer", token=await shop.integration(), input=change)).payload("updateCustomer")
    for _ in range(2):
        (await shop.ask("CreateAddress", token=person.token, input=ADDRESS)).payload("createAddress")
    order = {"customerId": person.id, "number": "zq-1", "total": MONEY, "itemCount": 1, **ORDER_ADDRESSES}
    (await shop.ask("RecordOrder", token=await shop.integration(), input=order)).payload("recordOrder")
    card = (await shop.ask(ADD_CARD, token=person.token)).payload("addPaymentMethod")["paymentMethod"]
    assert card["last4"] == PERSONAL["card"]
    await shop.ask("DeletePaymentMethod", token=person.token, id=card["id"])
    (await shop.ask(ADD_CARD, token=person.token)).payload("addPaymentMethod")
    staff = await shop.staff()
    asked = (await shop.ask(ASK_FOR_ERASURE, token=person.token)).payload("requestMyErasure")["request"]
    declined = await shop.ask(DECLINE_ERASURE, token=staff, id=asked["id"], reason=PERSONAL["refusal"])
    declined.payload("declineErasureRequest")
    (await shop.ask(ASK_FOR_EXPORT, token=person.token)).payload("requestDataExport")
    assert await build_due(shop.runtime.store) == 1
    hold = await shop.ask(PLACE_HOLD, token=staff, id=person.id, reason=PERSONAL["hold"])
    (await shop.ask(RELEASE_HOLD, token=staff, id=hold.payload("placeLegalHold")["hold"]["id"])).payload(
        "releaseLegalHold"
    )
    (await shop.ask("Anonymization", token=staff, customerId=person.id)).data["customer"]
    # Deliveries of all that was announced; then one more thing is announced.
    while await spread(shop.runtime.store):
        pass
    second = (await shop.ask("{ me { addresses { id } } }", token=person.token)).data["me"]["addresses"][1]["id"]
    await shop.ask("SetDefaultAddress", token=person.token, id=second, type="BILLING")
    (await shop.ask("RequestAnonymization", token=staff, customerId=person.id)).payload("requestAnonymization")
    return person


async def settle_gateways(shop: Shop) -> None:
    """Carry out all gateway attempts."""
    store = shop.runtime.store
    async with store.database.transaction() as session:
        statement = text("UPDATE gateway_attempts SET next_attempt_at = '2020-01-01 00:00:00.000000'")
        await (await session.connection()).execute(statement)
    while await reconcile(store, shop.runtime.services.get(Gateways)):
        pass


@dataclass(frozen=True, slots=True)
class Stored:
    """A value of a row."""

    table: str
    column: str
    value: Any

    def shows(self, personal: str) -> bool:
        """Whether the value contains `personal` in any encoding that needs no key."""
        held = self.value if isinstance(self.value, bytes) else str(self.value).encode()
        return any(form in held.lower() for form in plain_encodings(personal.lower()))


def plain_encodings(value: str) -> Iterator[bytes]:
    """The encodings in which a text may be stored: UTF-8, UTF-16, base64 at each offset, JSON-escaped."""
    yield from (value.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
    yield json.dumps(value)[1:-1].encode()


def base64_encodings(value: str) -> Iterator[bytes]:
    """The text in base64 at each offset, without the characters that depend on the neighbouring bytes."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + value.encode())
        yield encoded[4 if offset else 0 : -4]


async def all_stored_values(shop: Shop) -> list[Stored]:
    """Every value of every row of both databases."""
    store = shop.runtime.store
    return [
        *await _all(store.database, main_metadata),
        *await _all(store.vault.keystore, keystore_metadata),
    ]


async def _all(database: Database, metadata: MetaData) -> list[Stored]:
    found = []
    async with database.engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = (await connection.execute(text(f"SELECT * FROM {table.name}"))).mappings()
            found += [Stored(table.name, name, value) for row in rows for name, value in row.items()]
    return found
