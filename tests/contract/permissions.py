"""The permission matrix: for each root field of the schema, what each kind of caller gets."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.customers.newsletter import UnsubscribeLinks
from app.platform.graphql import ids
from app.platform.principal import Scope
from tests.contract import confirmation_inputs
from tests.customers.addresses.builders import ANN as ADDRESS
from tests.shop import PASSWORD, Answer, Person, SeededOrganization, Shop

# The order of the columns of an entry.
CALLERS = ("guest", "owner", "another", "unscoped", "integration", "staff", "elsewhere")
NEW_PASSWORD = "amber lantern rests by noon"
ADD_CARD = """mutation ($input: AddPaymentMethodInput!) {
    addPaymentMethod(input: $input) { paymentMethod { id } userErrors { code field } } }"""


@dataclass(slots=True)
class PermissionSetup:
    """A customer with one of everything, and the callers of the matrix."""

    shop: Shop
    ann: Person
    tokens: dict[str, str | None]
    elsewhere: SeededOrganization
    caller: str = ""
    number: int = 0

    @property
    def customer_input(self) -> dict[str, str]:
        """The owner omits `customerId`, everybody else sends the owner's."""
        return {} if self.caller in {"owner", "guest"} else {"customerId": self.ann.id}

    async def ask(self, document: str, variables: Mapping[str, Any]) -> Answer:
        """Send a document as the present caller."""
        organization = self.elsewhere if self.caller == "elsewhere" else self.shop.organization
        return await self.shop.ask(document, token=self.tokens[self.caller], organization=organization, **variables)

    async def address(self) -> str:
        """A new address of the owner."""
        answer = await self.shop.ask("CreateAddress", token=self.ann.token, input=ADDRESS)
        found: str = answer.payload("createAddress")["address"]["id"]
        return found

    async def card(self) -> str:
        """A new payment method of the owner."""
        answer = await self.shop.ask(ADD_CARD, token=self.ann.token, input={"token": "tok_visa"})
        found: str = answer.payload("addPaymentMethod")["paymentMethod"]["id"]
        return found

    async def login(self) -> Person:
        """A second login session of the owner."""
        answer = await self.shop.ask("Login", identifier=self.ann.email, password=PASSWORD)
        tokens = answer.payload("login")["tokens"]
        return Person(self.ann.id, self.ann.email, tokens["accessToken"], tokens["refreshToken"])

    def next_number(self) -> int:
        """A number that is returned only once."""
        self.number += 1
        return self.number


async def make_setup(shop: Shop) -> PermissionSetup:
    """Create the customers and log in the callers."""
    elsewhere = await shop.create_organization("elsewhere")
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    return PermissionSetup(
        shop,
        ann,
        {
            "guest": None,
            "owner": ann.token,
            "another": bob.token,
            "unscoped": await shop.integration(Scope.AUDIT_READ),
            "integration": await shop.integration(),
            "staff": await shop.staff(),
            "elsewhere": await shop.staff(organization=elsewhere),
        },
        elsewhere,
    )


Variables = Callable[[PermissionSetup], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """The document of a field, its variables, and the expected outcome for each of `CALLERS`."""

    document: str
    variables: Variables
    outcomes: tuple[str, ...]


OK, NULL = "ok", "null"
GUEST, NO = "UNAUTHENTICATED", "FORBIDDEN"
ERRORS = "userErrors { code field }"


def outcome(answer: Answer, field: str) -> str:
    """The outcome in one word: a top-level code, `CODE field` of a refusal, `null`, or `ok`."""
    if answer.codes:
        return ",".join(answer.codes)
    found = answer.body["data"][field]
    if found is None:
        return NULL
    refusals = found.get("userErrors") if isinstance(found, dict) else None
    return " ".join([refusals[0]["code"], *(refusals[0]["field"] or [])]) if refusals else OK


async def no_variables(_: PermissionSetup) -> dict[str, Any]:
    return {}


async def present_terms(setup: PermissionSetup) -> dict[str, Any]:
    document = """mutation ($input: UpdateOrganizationInput!) {
        updateOrganization(input: $input) { userErrors { code } } }"""
    given = {"settings": {"termsVersion": "1"}}
    (await setup.shop.ask(document, token=setup.tokens["integration"], input=given)).payload("updateOrganization")
    return {"input": {"version": "1"}}


async def owner_input(setup: PermissionSetup) -> dict[str, Any]:
    return setup.customer_input


async def owner_id(setup: PermissionSetup) -> dict[str, Any]:
    return {"customerId": setup.ann.id}


async def owner_node(setup: PermissionSetup) -> dict[str, Any]:
    return {"id": setup.ann.id}


async def registration(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"email": f"new{setup.next_number()}@example.org"}}


async def credentials(setup: PermissionSetup) -> dict[str, Any]:
    return {"identifier": setup.ann.email, "password": PASSWORD}


async def refresh_token(setup: PermissionSetup) -> dict[str, Any]:
    return {"refreshToken": (await setup.login()).refresh_token}


async def own_password(_: PermissionSetup) -> dict[str, Any]:
    return {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}


async def profile(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {**setup.customer_input, "firstName": f"Ann{setup.next_number()}"}}


async def new_address(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {**setup.customer_input, **ADDRESS}}


async def changed_address(setup: PermissionSetup) -> dict[str, Any]:
    return {"id": await setup.address(), "input": {"line2": f"Floor {setup.next_number()}"}}


async def default_address(setup: PermissionSetup) -> dict[str, Any]:
    return {"id": await setup.address(), "type": "SHIPPING"}


async def old_address(setup: PermissionSetup) -> dict[str, Any]:
    await setup.address()
    return {"id": await setup.address()}


async def new_card(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {**setup.customer_input, "token": "tok_visa"}}


async def payment_session(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": setup.customer_input}


async def old_card(setup: PermissionSetup) -> dict[str, Any]:
    return {"id": await setup.card()}


async def anonymization_requested(setup: PermissionSetup) -> dict[str, Any]:
    await setup.shop.ask("RequestAnonymization", token=setup.tokens["staff"], customerId=setup.ann.id)
    return {"customerId": setup.ann.id}


async def anonymization_id(setup: PermissionSetup) -> dict[str, Any]:
    document = "mutation ($id: ID!) { requestAnonymization(input: { customerId: $id }) { anonymization { id } } }"
    await setup.shop.ask("CancelAnonymization", token=setup.tokens["staff"], customerId=setup.ann.id)
    answer = await setup.shop.ask(document, token=setup.tokens["staff"], id=setup.ann.id)
    return {"id": answer.data["requestAnonymization"]["anonymization"]["id"]}


async def id_of_a_receipt(setup: PermissionSetup) -> dict[str, Any]:
    return {"anonymizationId": (await anonymization_id(setup))["id"]}


async def id_of_the_owner(setup: PermissionSetup) -> dict[str, Any]:
    return {"customerId": setup.ann.id}


async def new_hold(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"customerId": setup.ann.id, "reason": "Case 1"}}


async def old_hold(setup: PermissionSetup) -> dict[str, Any]:
    document = "mutation ($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { hold { id } } }"
    answer = await setup.shop.ask(document, token=setup.tokens["staff"], **await new_hold(setup))
    return {"input": {"id": answer.data["placeLegalHold"]["hold"]["id"]}}


async def erasure_asked(setup: PermissionSetup) -> dict[str, Any]:
    document = "mutation { requestMyErasure { request { id } userErrors { code } } }"
    await setup.shop.ask("CancelAnonymization", token=setup.tokens["staff"], customerId=setup.ann.id)
    await setup.shop.ask("mutation { withdrawMyErasure { userErrors { code } } }", token=setup.ann.token)
    answer = await setup.shop.ask(document, token=setup.ann.token)
    return {"id": answer.payload("requestMyErasure")["request"]["id"]}


async def erasure_declined(setup: PermissionSetup) -> dict[str, Any]:
    return {**await erasure_asked(setup), "reason": "An invoice is open."}


async def new_export(setup: PermissionSetup) -> dict[str, Any]:
    for table in ("data_export_parts", "data_exports"):
        await setup.shop.execute(f"DELETE FROM {table}")
    return {"input": setup.customer_input}


async def anonymization_not_requested(setup: PermissionSetup) -> dict[str, Any]:
    await setup.shop.ask("CancelAnonymization", token=setup.tokens["staff"], customerId=setup.ann.id)
    return {"customerId": setup.ann.id}


async def new_field(setup: PermissionSetup) -> dict[str, Any]:
    labels = [{"locale": "en", "text": "Size"}]
    return {"input": {"name": f"size{setup.next_number()}", "type": "TEXT", "labels": labels}}


async def old_field(setup: PermissionSetup) -> dict[str, Any]:
    document = "mutation ($input: CreateExtraFieldInput!) { createExtraField(input: $input) { extraField { id } } }"
    token = await setup.shop.integration()
    answer = await setup.shop.ask(document, token=token, **await new_field(setup))
    return {"input": {"id": answer.data["createExtraField"]["extraField"]["id"]}}


async def other_session(setup: PermissionSetup) -> dict[str, Any]:
    document = "{ me { sessions(first: 1) { nodes { id } } } }"
    answer = await setup.shop.ask(document, token=(await setup.login()).token)
    return {"input": {"id": answer.data["me"]["sessions"]["nodes"][0]["id"]}}


async def input_of_owner(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"customerId": setup.ann.id}}


async def newcomer(setup: PermissionSetup) -> dict[str, Any]:
    document = "mutation ($input: RegisterInput!) { register(input: $input) { customer { id } } }"
    answer = await setup.shop.ask(document, **await registration(setup))
    return {"input": {"customerId": answer.data["register"]["customer"]["id"]}}


async def unsubscribing(setup: PermissionSetup) -> dict[str, Any]:
    links = setup.shop.runtime.services.get(UnsubscribeLinks)
    return {"input": {"token": links.token(ids.decode("Customer", setup.ann.id))}}


async def new_order(setup: PermissionSetup) -> dict[str, Any]:
    money = {"amount": "49.90", "currencyCode": "CHF"}
    return {
        "input": {"customerId": setup.ann.id, "number": f"order-{setup.next_number()}", "total": money, "itemCount": 1}
    }


async def old_order(setup: PermissionSetup) -> dict[str, Any]:
    variables = await new_order(setup)
    answer = await setup.shop.ask("RecordOrder", token=setup.tokens["integration"], **variables)
    return {"by": {"id": answer.payload("recordOrder")["order"]["id"]}}


async def changed_order(setup: PermissionSetup) -> dict[str, Any]:
    return {**await old_order(setup), "input": {"itemCount": 7}}


async def code(setup: PermissionSetup) -> dict[str, Any]:
    return {"code": f"code-{setup.next_number()}"}


async def new_group(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {**await code(setup), "name": "Trade"}}


async def old_group(setup: PermissionSetup) -> dict[str, Any]:
    document = (
        "mutation ($input: CreateGroupInput!) { createGroup(input: $input) { group { id } userErrors { code } } }"
    )
    answer = await setup.shop.ask(document, token=setup.tokens["integration"], **await new_group(setup))
    return {"id": answer.payload("createGroup")["group"]["id"]}


async def assignment(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"customerId": setup.ann.id, "groupId": (await old_group(setup))["id"]}}


async def new_market(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {**await code(setup), "name": "Alps", "currencyCode": "CHF"}}


async def old_market(setup: PermissionSetup) -> dict[str, Any]:
    document = (
        "mutation ($input: CreateMarketInput!) { createMarket(input: $input) { market { id } userErrors { code } } }"
    )
    answer = await setup.shop.ask(document, token=setup.tokens["integration"], **await new_market(setup))
    return {"id": answer.payload("createMarket")["market"]["id"]}


async def owner_upsert(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"id": setup.ann.id, "firstName": f"Ann{setup.next_number()}"}}


async def deletable_customer(setup: PermissionSetup) -> dict[str, Any]:
    person = await setup.shop.register(f"gone{setup.next_number()}@example.org")
    return {"input": {"customerId": person.id}}


async def new_organization(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"slug": f"shop-{setup.next_number()}", "name": "Another shop"}}


async def new_name(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"name": f"Shop {setup.next_number()}"}}


async def _create(setup: PermissionSetup, document: str, variables: dict[str, Any], path: tuple[str, str]) -> str:
    answer = await setup.shop.ask(document, token=await setup.shop.integration(), input=variables)
    found: str = answer.payload(path[0])[path[1]]["id"]
    return found


async def old_member(setup: PermissionSetup) -> dict[str, Any]:
    document = """mutation ($input: CreateStaffMemberInput!) {
        createStaffMember(input: $input) { staffMember { id } userErrors { code } } }"""
    email = {"email": f"old{setup.next_number()}@example.org"}
    return {"input": {"id": await _create(setup, document, email, ("createStaffMember", "staffMember"))}}


async def new_client(_: PermissionSetup) -> dict[str, Any]:
    return {"input": {"kind": "PUBLISHABLE", "name": "Kiosk"}}


async def old_client(setup: PermissionSetup) -> dict[str, Any]:
    document = """mutation ($input: CreateApiClientInput!) {
        createApiClient(input: $input) { apiClient { id } userErrors { code } } }"""
    kiosk = {"kind": "PUBLISHABLE", "name": "Kiosk"}
    return {"input": {"id": await _create(setup, document, kiosk, ("createApiClient", "apiClient"))}}


NEW_ENDPOINT = {"url": "https://hooks.example.org/patron", "events": ["CUSTOMER_UPDATED"]}


async def new_endpoint(_: PermissionSetup) -> dict[str, Any]:
    return {"input": NEW_ENDPOINT}


async def old_endpoint(setup: PermissionSetup) -> dict[str, Any]:
    document = """mutation ($input: CreateWebhookEndpointInput!) {
        createWebhookEndpoint(input: $input) { endpoint { id } userErrors { code } } }"""
    if setup.next_number() > 1:
        await setup.shop.execute("DELETE FROM webhook_subscriptions")
        await setup.shop.execute("DELETE FROM webhook_endpoints")
    return {"input": {"id": await _create(setup, document, NEW_ENDPOINT, ("createWebhookEndpoint", "endpoint"))}}


async def id_of_an_endpoint(setup: PermissionSetup) -> dict[str, Any]:
    return {"id": (await old_endpoint(setup))["input"]["id"]}


async def old_delivery(setup: PermissionSetup) -> dict[str, Any]:
    document = "mutation ($input: SendTestWebhookInput!) { sendTestWebhook(input: $input) { delivery { id } } }"
    token = await setup.shop.integration()
    answer = await setup.shop.ask(document, token=token, **await old_endpoint(setup))
    return {"id": answer.data["sendTestWebhook"]["delivery"]["id"]}


async def old_deliveries(setup: PermissionSetup) -> dict[str, Any]:
    endpoint_id = (await old_endpoint(setup))["input"]["id"]
    return {"input": {"endpointId": endpoint_id, "since": "2026-01-01T00:00:00Z"}}


def mutation(field: str, kind: str) -> str:
    """A document for a mutation with one input."""
    return f"mutation ($input: {kind}!) {{ {field}(input: $input) {{ {ERRORS} }} }}"


SESSION = f"""mutation ($input: CreatePaymentSessionInput) {{
    createPaymentSession(input: $input) {{ {ERRORS} }} }}"""
OWN, BACK = "NOT_ALLOWED customerId", "NOT_FOUND customerId"


async def new_email(setup: PermissionSetup) -> str:
    return f"new{setup.next_number()}@example.org"


async def own_address(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"email": setup.ann.email}}


async def email_change(setup: PermissionSetup) -> dict[str, Any]:
    return {"input": {"newEmail": await new_email(setup), "password": PASSWORD}}


async def verification(setup: PermissionSetup) -> dict[str, Any]:
    return await confirmation_inputs.verification(setup.shop, await new_email(setup))


async def reset(setup: PermissionSetup) -> dict[str, Any]:
    return await confirmation_inputs.reset(setup.shop, await new_email(setup), NEW_PASSWORD)


async def proven_change(setup: PermissionSetup) -> dict[str, Any]:
    return await confirmation_inputs.change(setup.shop, await new_email(setup))


async def email_change_undo(setup: PermissionSetup) -> dict[str, Any]:
    return await confirmation_inputs.email_change_undo(setup.shop, await new_email(setup))


# The columns: guest, owner, another, unscoped, integration, staff, elsewhere.
MATRIX: dict[str, Entry] = {
    "node": Entry("query ($id: ID!) { node(id: $id) { id } }", owner_node, (GUEST, OK, NULL, NO, OK, OK, NULL)),
    "auditEvents": Entry("{ auditEvents { nodes { action } } }", no_variables, (GUEST, NO, NO, NO, NO, OK, OK)),
    "viewer": Entry("Viewer", no_variables, (OK, OK, OK, OK, OK, OK, OK)),
    "countries": Entry("{ countries { code } }", no_variables, (OK, OK, OK, OK, OK, OK, OK)),
    "country": Entry("Country", lambda _: _code(), (OK, OK, OK, OK, OK, OK, OK)),
    "me": Entry("Me", no_variables, (GUEST, OK, OK, NO, NO, NO, NO)),
    "customer": Entry("Anonymization", owner_id, (GUEST, NO, NO, NO, OK, OK, NULL)),
    "register": Entry(
        mutation("register", "RegisterInput"),
        registration,
        (OK, "ALREADY_LOGGED_IN", "ALREADY_LOGGED_IN", NO, NO, NO, NO),
    ),
    "login": Entry("Login", credentials, (OK, OK, OK, NO, NO, NO, NO)),
    "refreshToken": Entry("RefreshToken", refresh_token, (OK, OK, OK, NO, NO, NO, NO)),
    "changePassword": Entry("ChangePassword", own_password, (GUEST, OK, OK, NO, NO, NO, NO)),
    "updateCustomer": Entry(
        mutation("updateCustomer", "UpdateCustomerInput"), profile, (GUEST, OK, OWN, NO, OK, OK, BACK)
    ),
    "createAddress": Entry(mutation("createAddress", "AddressInput"), new_address, (GUEST, OK, OWN, NO, OK, OK, BACK)),
    "updateAddress": Entry("UpdateAddress", changed_address, (GUEST, OK, "NOT_FOUND id", NO, OK, OK, "NOT_FOUND id")),
    "setDefaultAddress": Entry(
        "SetDefaultAddress", default_address, (GUEST, OK, "NOT_FOUND id", NO, OK, OK, "NOT_FOUND id")
    ),
    "deleteAddress": Entry("DeleteAddress", old_address, (GUEST, OK, "NOT_FOUND id", NO, OK, OK, "NOT_FOUND id")),
    "createPaymentSession": Entry(SESSION, payment_session, (GUEST, OK, OWN, NO, OK, OK, BACK)),
    "addPaymentMethod": Entry(
        mutation("addPaymentMethod", "AddPaymentMethodInput"), new_card, (GUEST, OK, OWN, NO, OK, OK, BACK)
    ),
    "setDefaultPaymentMethod": Entry(
        f"mutation ($id: ID!) {{ setDefaultPaymentMethod(id: $id) {{ {ERRORS} }} }}",
        old_card,
        (GUEST, OK, "NOT_FOUND id", NO, OK, OK, "NOT_FOUND id"),
    ),
    "deletePaymentMethod": Entry(
        f"mutation ($id: ID!) {{ deletePaymentMethod(id: $id) {{ {ERRORS} }} }}",
        old_card,
        (GUEST, OK, "NOT_FOUND id", NO, OK, OK, "NOT_FOUND id"),
    ),
    "anonymization": Entry(
        "query ($id: ID!) { anonymization(id: $id) { status } }", anonymization_id, (GUEST, NO, NO, NO, NO, OK, NULL)
    ),
    "anonymizationPlan": Entry(
        "query ($customerId: ID!) { anonymizationPlan(customerId: $customerId) { entries { store } } }",
        id_of_the_owner,
        (GUEST, NO, NO, NO, NO, OK, NULL),
    ),
    "erasureReceipt": Entry(
        "query ($anonymizationId: ID!) { erasureReceipt(anonymizationId: $anonymizationId) { jws } }",
        id_of_a_receipt,
        (GUEST, NO, NO, NO, NO, NULL, NULL),
    ),
    "requestAnonymization": Entry(
        "RequestAnonymization", anonymization_not_requested, (GUEST, NO, NO, NO, NO, OK, BACK)
    ),
    "cancelAnonymization": Entry("CancelAnonymization", anonymization_requested, (GUEST, NO, NO, NO, NO, OK, BACK)),
    "myErasureRequest": Entry("{ myErasureRequest { id } }", erasure_asked, (GUEST, OK, NULL, NO, NO, NO, NO)),
    "erasureRequests": Entry("{ erasureRequests { totalCount } }", no_variables, (GUEST, NO, NO, NO, NO, OK, OK)),
    "requestMyErasure": Entry(
        f"mutation {{ requestMyErasure {{ {ERRORS} }} }}",
        erasure_asked,
        (GUEST, "ALREADY_REQUESTED", OK, NO, NO, NO, NO),
    ),
    "withdrawMyErasure": Entry(
        f"mutation {{ withdrawMyErasure {{ {ERRORS} }} }}", erasure_asked, (GUEST, OK, "NOT_FOUND", NO, NO, NO, NO)
    ),
    "acceptErasureRequest": Entry(
        f"mutation ($id: ID!) {{ acceptErasureRequest(input: {{ id: $id }}) {{ {ERRORS} }} }}",
        erasure_asked,
        (GUEST, NO, NO, NO, NO, OK, "NOT_FOUND id"),
    ),
    "declineErasureRequest": Entry(
        f"mutation ($id: ID!, $reason: String!) {{ "
        f"declineErasureRequest(input: {{ id: $id, reason: $reason }}) {{ {ERRORS} }} }}",
        erasure_declined,
        (GUEST, NO, NO, NO, NO, OK, "NOT_FOUND id"),
    ),
    "dataExports": Entry(
        "query ($customerId: ID) { dataExports(customerId: $customerId) { id } }",
        owner_input,
        (GUEST, OK, OK, NO, NO, OK, OK),
    ),
    "requestDataExport": Entry(
        mutation("requestDataExport", "RequestDataExportInput"),
        new_export,
        (GUEST, OK, "NOT_ALLOWED customerId", NO, NO, OK, BACK),
    ),
    "retention": Entry("{ retention { category } }", no_variables, (GUEST, NO, NO, NO, NO, OK, OK)),
    "legalHolds": Entry("{ legalHolds { totalCount } }", no_variables, (GUEST, NO, NO, NO, NO, OK, OK)),
    "placeLegalHold": Entry(
        mutation("placeLegalHold", "PlaceLegalHoldInput"), new_hold, (GUEST, NO, NO, NO, NO, OK, BACK)
    ),
    "releaseLegalHold": Entry(
        mutation("releaseLegalHold", "ReleaseLegalHoldInput"), old_hold, (GUEST, NO, NO, NO, NO, OK, "NOT_FOUND id")
    ),
    "registrationForm": Entry("RegistrationForm", no_variables, (OK, OK, OK, OK, OK, OK, OK)),
    "profileForm": Entry("{ profileForm { fields { name } } }", no_variables, (GUEST, OK, OK, NO, NO, NO, NO)),
    "extraFields": Entry("{ extraFields { name } }", no_variables, (GUEST, NO, NO, NO, OK, OK, OK)),
    "createExtraField": Entry(
        mutation("createExtraField", "CreateExtraFieldInput"), new_field, (GUEST, NO, NO, NO, OK, OK, OK)
    ),
    "updateExtraField": Entry(
        mutation("updateExtraField", "UpdateExtraFieldInput"), old_field, (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id")
    ),
    "deleteExtraField": Entry(
        mutation("deleteExtraField", "DeleteExtraFieldInput"), old_field, (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id")
    ),
    "approveCustomer": Entry(
        mutation("approveCustomer", "ApproveCustomerInput"), input_of_owner, (GUEST, NO, NO, NO, OK, OK, BACK)
    ),
    "rejectCustomer": Entry(
        mutation("rejectCustomer", "RejectCustomerInput"), newcomer, (GUEST, NO, NO, NO, OK, OK, BACK)
    ),
    "unsubscribeNewsletter": Entry(
        mutation("unsubscribeNewsletter", "UnsubscribeNewsletterInput"), unsubscribing, (OK, OK, OK, NO, NO, NO, NO)
    ),
    "endSession": Entry(
        mutation("endSession", "EndSessionInput"), other_session, (GUEST, OK, "NOT_FOUND id", NO, NO, NO, NO)
    ),
    "order": Entry("query ($by: OrderBy!) { order(by: $by) { id } }", old_order, (GUEST, OK, NULL, NO, OK, OK, NULL)),
    "recordOrder": Entry(mutation("recordOrder", "RecordOrderInput"), new_order, (GUEST, NO, NO, NO, OK, OK, BACK)),
    "updateOrder": Entry(
        f"mutation ($by: OrderBy!, $input: UpdateOrderInput!) {{ updateOrder(by: $by, input: $input) {{ {ERRORS} }} }}",
        changed_order,
        (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND by"),
    ),
    "cancelOrder": Entry(
        f"mutation ($by: OrderBy!) {{ cancelOrder(by: $by) {{ {ERRORS} }} }}",
        old_order,
        (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND by"),
    ),
    "groups": Entry("{ groups { id } }", no_variables, (GUEST, NO, NO, NO, OK, OK, OK)),
    "group": Entry("query ($code: String!) { group(code: $code) { id } }", code, (GUEST, NO, NO, NO, NULL, NULL, NULL)),
    "createGroup": Entry(mutation("createGroup", "CreateGroupInput"), new_group, (GUEST, NO, NO, NO, OK, OK, OK)),
    "updateGroup": Entry(
        f'mutation ($id: ID!) {{ updateGroup(id: $id, input: {{ name: "New" }}) {{ {ERRORS} }} }}',
        old_group,
        (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
    ),
    "deleteGroup": Entry(
        f"mutation ($id: ID!) {{ deleteGroup(id: $id) {{ {ERRORS} }} }}",
        old_group,
        (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
    ),
    "assignCustomerGroup": Entry(
        mutation("assignCustomerGroup", "AssignCustomerGroupInput"),
        assignment,
        (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND groupId"),
    ),
    "markets": Entry("{ markets { id } }", no_variables, (OK, OK, OK, OK, OK, OK, OK)),
    "market": Entry(
        "query ($code: String!) { market(code: $code) { id } }", code, (NULL, NULL, NULL, NULL, NULL, NULL, NULL)
    ),
    "createMarket": Entry(mutation("createMarket", "CreateMarketInput"), new_market, (GUEST, NO, NO, NO, OK, OK, OK)),
    "updateMarket": Entry(
        f'mutation ($id: ID!) {{ updateMarket(id: $id, input: {{ name: "New" }}) {{ {ERRORS} }} }}',
        old_market,
        (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
    ),
    "deleteMarket": Entry(
        f"mutation ($id: ID!) {{ deleteMarket(id: $id) {{ {ERRORS} }} }}",
        old_market,
        (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
    ),
    **{
        field: Entry(mutation(field, f"{field[0].upper()}{field[1:]}Input"), variables, (OK, OK, OK, NO, NO, NO, NO))
        for field, variables in {
            "verifyEmail": verification,
            "requestEmailVerification": own_address,
            "requestPasswordReset": own_address,
            "resetPassword": reset,
            "confirmEmailChange": proven_change,
            "undoEmailChange": email_change_undo,
            "requestLoginNameReminder": own_address,
        }.items()
    },
    "requestEmailChange": Entry(
        mutation("requestEmailChange", "RequestEmailChangeInput"), email_change, (GUEST, OK, OK, NO, NO, NO, NO)
    ),
    # These two end the login sessions of their callers, so each caller sends them once.
    "logout": Entry("Logout", no_variables, (OK, OK, OK, OK, OK, OK, OK)),
    "acceptTerms": Entry(mutation("acceptTerms", "AcceptTermsInput"), present_terms, (GUEST, OK, OK, NO, NO, NO, NO)),
    "logoutEverywhere": Entry(
        f"mutation {{ logoutEverywhere {{ {ERRORS} }} }}", no_variables, (GUEST, OK, OK, NO, NO, NO, NO)
    ),
}


MATRIX.update(
    {
        "customers": Entry("Customers", lambda _: _first(), (GUEST, NO, NO, NO, OK, OK, OK)),
        "upsertCustomer": Entry("UpsertCustomer", owner_upsert, (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id")),
        "deleteCustomer": Entry(
            mutation("deleteCustomer", "DeleteCustomerInput"), deletable_customer, (GUEST, NO, NO, NO, OK, OK, BACK)
        ),
        "organization": Entry(
            "{ organization { id accountRules { passwordMinLength } } }", no_variables, (OK, OK, OK, OK, OK, OK, OK)
        ),
        "createOrganization": Entry(
            mutation("createOrganization", "CreateOrganizationInput"), new_organization, (GUEST, NO, NO, NO, OK, OK, NO)
        ),
        "updateOrganization": Entry(
            mutation("updateOrganization", "UpdateOrganizationInput"), new_name, (GUEST, NO, NO, NO, OK, OK, OK)
        ),
        "staff": Entry("{ staff { id } }", no_variables, (GUEST, NO, NO, NO, OK, OK, OK)),
        "createStaffMember": Entry(
            mutation("createStaffMember", "CreateStaffMemberInput"), registration, (GUEST, NO, NO, NO, OK, OK, OK)
        ),
        "deleteStaffMember": Entry(
            mutation("deleteStaffMember", "DeleteStaffMemberInput"),
            old_member,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "apiClients": Entry("{ apiClients { id } }", no_variables, (GUEST, NO, NO, NO, OK, OK, OK)),
        "createApiClient": Entry(
            mutation("createApiClient", "CreateApiClientInput"), new_client, (GUEST, NO, NO, NO, OK, OK, OK)
        ),
        "rotateApiClientSecret": Entry(
            mutation("rotateApiClientSecret", "RotateApiClientSecretInput"),
            old_client,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "webhookEndpoints": Entry("{ webhookEndpoints { id } }", no_variables, (GUEST, NO, NO, NO, OK, OK, OK)),
        "webhookDeliveries": Entry(
            "query ($id: ID!) { webhookDeliveries(endpointId: $id) { nodes { id } totalCount } }",
            id_of_an_endpoint,
            (GUEST, NO, NO, NO, OK, OK, NULL),
        ),
        "createWebhookEndpoint": Entry(
            mutation("createWebhookEndpoint", "CreateWebhookEndpointInput"),
            new_endpoint,
            (GUEST, NO, NO, NO, OK, OK, OK),
        ),
        "updateWebhookEndpoint": Entry(
            mutation("updateWebhookEndpoint", "UpdateWebhookEndpointInput"),
            old_endpoint,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "rotateWebhookSecret": Entry(
            mutation("rotateWebhookSecret", "RotateWebhookSecretInput"),
            old_endpoint,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "deleteWebhookEndpoint": Entry(
            mutation("deleteWebhookEndpoint", "DeleteWebhookEndpointInput"),
            old_endpoint,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "sendTestWebhook": Entry(
            mutation("sendTestWebhook", "SendTestWebhookInput"),
            old_endpoint,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "replayWebhookDelivery": Entry(
            f"mutation ($id: ID!) {{ replayWebhookDelivery(id: $id) {{ {ERRORS} }} }}",
            old_delivery,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "replayWebhookDeliveries": Entry(
            mutation("replayWebhookDeliveries", "ReplayWebhookDeliveriesInput"),
            old_deliveries,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "revokeApiClient": Entry(
            mutation("revokeApiClient", "RevokeApiClientInput"),
            old_client,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
    }
)


async def _first() -> dict[str, Any]:
    return {"first": 10}


async def _code() -> dict[str, Any]:
    return {"code": "CH"}
