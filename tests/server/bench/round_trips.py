"""Counts how often each operation waits for the databases, with a proxy in front of PostgreSQL."""

from pathlib import Path
from typing import Any

from app.server.runtime import open_runtime
from tests.server.bench.round_trip_proxy import RoundTripProxy, counting_proxy
from tests.server.bench.seeding import make_databases
from tests.shop import CONTRACT, PASSWORD, Shop, Urls, open_shop

# The first day opens connections and prepares statements; of the others the least counts, as now and then the server
# does something of its own in between.
DAYS = 4
NEW_PASSWORD = "another quiet bicycle"
ADDRESS = {
    "firstName": "Ann",
    "lastName": "Archer",
    "line1": "Bahnhofstrasse 1",
    "postalCode": "8001",
    "city": "Zürich",
    "country": "CH",
}
# In addition to the contract's, which are sent by name.
FURTHER = {
    "Markets": "{ markets { code name } }",
    "ProfileForm": "{ profileForm { fields { name value } } }",
    "RequestPasswordReset": """mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
        userErrors { code } } }""",
    "LogoutEverywhere": "mutation { logoutEverywhere { userErrors { code } } }",
    "Order": "query ($id: ID!) { order(by: { id: $id }) { number total { amount } } }",
    "UpdateOrder": """mutation ($id: ID!) {
        updateOrder(by: { id: $id }, input: { itemCount: 3 }) { userErrors { code } } }""",
    "CancelOrder": "mutation ($id: ID!) { cancelOrder(by: { id: $id }) { userErrors { code } } }",
    "Groups": "{ groups { code name } }",
    "AssignCustomerGroup": """mutation ($customerId: ID!) {
        assignCustomerGroup(input: { customerId: $customerId, groupId: null }) { userErrors { code } } }""",
}


class _Counter:
    """Sends operations, and keeps the minimum of round trips of each."""

    def __init__(self, shop: Shop, proxy: RoundTripProxy) -> None:
        self.shop = shop
        self.found: dict[str, int] = {}
        self._proxy = proxy

    async def send(self, name: str, caller: str | None = None, /, **variables: Any) -> Any:
        """The data of the operation's only field for the access token `caller`; a refusal raises."""
        body = {"query": {**CONTRACT, **FURTHER}[name], "variables": variables}
        headers = {"authorization": f"Bearer {caller}"} if caller else {"x-api-key": self.shop.organization.key}
        before = self._proxy.round_trips
        answer = await self.shop.post(body, **headers)
        waited = self._proxy.round_trips - before
        self.found[name] = min(waited, self.found.get(name, waited))
        (field,) = answer.data
        return answer.data[field] if "userErrors" not in (answer.data[field] or {}) else answer.payload(field)


async def count(server_url: str, folder: Path) -> dict[str, int]:
    """Round trips of each operation, by name, when connections, statements and keys are there already.

    On databases of its own on the PostgreSQL at `server_url`; BEGIN and COMMIT count.
    """
    settings = await make_databases(server_url, folder, name="patron_trips")
    main, keystore = (url.get_secret_value() for url in (settings.database_url, settings.keystore_url))
    async with open_runtime(Urls(main, keystore, folder).settings(), migrating=True):
        pass
    async with counting_proxy(server_url) as proxy:
        urls = Urls(proxy.proxied_url(main), proxy.proxied_url(keystore), folder)
        async with open_shop(urls, database_connections=4, rate_limit_scale=1e6) as shop:
            counter = _Counter(shop, proxy)
            for day in range(DAYS):
                await _as_a_guest(counter)
                await _as_a_customer(counter, f"ann{day}@example.org")
                await _in_the_back_office(counter, f"ben{day}@example.org", day)
            return counter.found


async def _as_a_guest(counter: _Counter) -> None:
    for name in ("Viewer", "RegistrationForm", "Countries", "Markets"):
        await counter.send(name)
    await counter.send("Country", code="CH")


async def _as_a_customer(counter: _Counter, email: str) -> None:
    account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD}
    await counter.send("Register", input=account)
    await counter.send("RequestPasswordReset", input={"email": email})
    tokens = (await counter.send("Login", identifier=email, password=PASSWORD))["tokens"]
    tokens = (await counter.send("RefreshToken", refreshToken=tokens["refreshToken"]))["tokens"]
    token = tokens["accessToken"]
    await _with_addresses(counter, token)
    await _with_payment_methods(counter, token)
    for name in ("Me", "ProfileForm"):
        await counter.send(name, token)
    await counter.send("OrderHistory", token, first=10)
    await counter.send("AccessLog", token, first=10)
    await counter.send("UpdateCustomer", token, input={"firstName": "Ann"})
    await counter.send("ChangePassword", token, currentPassword=PASSWORD, newPassword=NEW_PASSWORD)
    await counter.send("Logout", token)
    again = await counter.send("Login", identifier=email, password=NEW_PASSWORD)
    await counter.send("LogoutEverywhere", again["tokens"]["accessToken"])


async def _with_addresses(counter: _Counter, token: str) -> None:
    first = (await counter.send("CreateAddress", token, input=ADDRESS))["address"]["id"]
    second = (await counter.send("CreateAddress", token, input=ADDRESS))["address"]["id"]
    await counter.send("UpdateAddress", token, id=second, input={"line1": "Limmatquai 2"})
    await counter.send("SetDefaultAddress", token, id=second, type="BILLING")
    await counter.send("DeleteAddress", token, id=first, replacementId=second)


async def _with_payment_methods(counter: _Counter, token: str) -> None:
    await counter.send("CreatePaymentSession", token)
    cards = ("tok_visa", "tok_mastercard")
    first, second = [
        (await counter.send("AddPaymentMethod", token, token=card))["paymentMethod"]["id"] for card in cards
    ]
    await counter.send("SetDefaultPaymentMethod", token, id=second)
    await counter.send("DeletePaymentMethod", token, id=first)


async def _in_the_back_office(counter: _Counter, email: str, day: int) -> None:
    token, staff = await counter.shop.integration(), await counter.shop.staff()
    customer_id = (await counter.send("UpsertCustomer", token, input={"email": email}))["customer"]["id"]
    await counter.send("CustomerByEmail", token, email=email)
    await counter.send("Customers", token, first=20)
    await counter.send("Groups", token)
    await counter.send("AssignCustomerGroup", token, customerId=customer_id)
    total = {"amount": "49.90", "currencyCode": "CHF"}
    order = {"customerId": customer_id, "number": f"order-{day}", "total": total, "itemCount": 2}
    order_id = (await counter.send("RecordOrder", token, input=order))["order"]["id"]
    for name in ("Order", "UpdateOrder", "CancelOrder"):
        await counter.send(name, token, id=order_id)
    await counter.send("AuditEvents", staff, first=20)
    for name in ("RequestAnonymization", "Anonymization", "CancelAnonymization"):
        await counter.send(name, staff, customerId=customer_id)
