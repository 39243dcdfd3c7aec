"""The matrix of who may use which field: one entry for each root field of the schema.

A new field needs an entry in `MATRIX`; the test fails until it has one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.customers.newsletter import UnsubscribeLinks
from app.platform.graphql import ids
from app.platform.principal import Scope
from tests.contract import confirming
from tests.customers.addresses.book import ANN as ADDRESS
from tests.house import PASSWORD, Answer, House, Person, Shop

# In this order the columns of an entry stand.
CALLERS = ("guest", "owner", "another", "unscoped", "integration", "staff", "elsewhere")
NEW_PASSWORD = "amber lantern rests by noon"
ADD_CARD = """mutation ($input: AddPaymentMethodInput!) {
    addPaymentMethod(input: $input) { paymentMethod { id } userErrors { code field } } }"""


@dataclass(slots=True)
class Scene:
    """A customer who owns things, and everybody who might want to look at them."""

    house: House
    ann: Person
    tokens: dict[str, str | None]
    elsewhere: Shop
    caller: str = ""
    number: int = 0

    @property
    def whose(self) -> dict[str, str]:
        """The owner leaves `customerId` away, everybody else names the owner."""
        return {} if self.caller in {"owner", "guest"} else {"customerId": self.ann.id}

    async def ask(self, document: str, variables: Mapping[str, Any]) -> Answer:
        """As the present caller."""
        shop = self.elsewhere if self.caller == "elsewhere" else self.house.shop
        return await self.house.ask(document, token=self.tokens[self.caller], shop=shop, **variables)

    async def address(self) -> str:
        """A new address of the owner."""
        answer = await self.house.ask("CreateAddress", token=self.ann.token, input=ADDRESS)
        found: str = answer.payload("createAddress")["address"]["id"]
        return found

    async def card(self) -> str:
        """A new payment method of the owner."""
        answer = await self.house.ask(ADD_CARD, token=self.ann.token, input={"token": "tok_visa"})
        found: str = answer.payload("addPaymentMethod")["paymentMethod"]["id"]
        return found

    async def login(self) -> Person:
        """The owner once more, on another device."""
        answer = await self.house.ask("Login", identifier=self.ann.email, password=PASSWORD)
        tokens = answer.payload("login")["tokens"]
        return Person(self.ann.id, self.ann.email, tokens["accessToken"], tokens["refreshToken"])

    def fresh(self) -> int:
        """A number nobody had before."""
        self.number += 1
        return self.number


async def make_scene(house: House) -> Scene:
    """Everybody is there and logged in."""
    elsewhere = await house.open_shop("elsewhere")
    ann, bob = await house.register("ann@example.org"), await house.register("bob@example.org")
    return Scene(
        house,
        ann,
        {
            "guest": None,
            "owner": ann.token,
            "another": bob.token,
            "unscoped": await house.integration(Scope.AUDIT_READ),
            "integration": await house.integration(),
            "staff": await house.staff(),
            "elsewhere": await house.staff(shop=elsewhere),
        },
        elsewhere,
    )


Variables = Callable[[Scene], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """How a field is asked for, and what each of `CALLERS` gets."""

    document: str
    variables: Variables
    outcomes: tuple[str, ...]


OK, NULL = "ok", "null"
GUEST, NO = "UNAUTHENTICATED", "FORBIDDEN"
ERRORS = "userErrors { code field }"


def outcome(answer: Answer, field: str) -> str:
    """What came of it, in one word: a top-level code, `CODE field` of a refusal, `null`, or `ok`."""
    if answer.codes:
        return ",".join(answer.codes)
    found = answer.body["data"][field]
    if found is None:
        return NULL
    refusals = found.get("userErrors") if isinstance(found, dict) else None
    return " ".join([refusals[0]["code"], *(refusals[0]["field"] or [])]) if refusals else OK


async def nothing(_: Scene) -> dict[str, Any]:
    return {}


async def of_owner(scene: Scene) -> dict[str, Any]:
    return {"customerId": scene.ann.id}


async def named(scene: Scene) -> dict[str, Any]:
    return {"id": scene.ann.id}


async def registration(scene: Scene) -> dict[str, Any]:
    return {"input": {"email": f"new{scene.fresh()}@example.org"}}


async def credentials(scene: Scene) -> dict[str, Any]:
    return {"identifier": scene.ann.email, "password": PASSWORD}


async def refresh_token(scene: Scene) -> dict[str, Any]:
    return {"refreshToken": (await scene.login()).refresh_token}


async def own_password(_: Scene) -> dict[str, Any]:
    return {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}


async def profile(scene: Scene) -> dict[str, Any]:
    return {"input": {**scene.whose, "firstName": f"Ann{scene.fresh()}"}}


async def new_address(scene: Scene) -> dict[str, Any]:
    return {"input": {**scene.whose, **ADDRESS}}


async def changed_address(scene: Scene) -> dict[str, Any]:
    return {"id": await scene.address(), "input": {"line2": f"Floor {scene.fresh()}"}}


async def default_address(scene: Scene) -> dict[str, Any]:
    return {"id": await scene.address(), "type": "SHIPPING"}


async def old_address(scene: Scene) -> dict[str, Any]:
    await scene.address()
    return {"id": await scene.address()}


async def new_card(scene: Scene) -> dict[str, Any]:
    return {"input": {**scene.whose, "token": "tok_visa"}}


async def payment_session(scene: Scene) -> dict[str, Any]:
    return {"input": scene.whose}


async def old_card(scene: Scene) -> dict[str, Any]:
    return {"id": await scene.card()}


async def requested(scene: Scene) -> dict[str, Any]:
    await scene.house.ask("RequestAnonymization", token=scene.tokens["staff"], customerId=scene.ann.id)
    return {"customerId": scene.ann.id}


async def not_requested(scene: Scene) -> dict[str, Any]:
    await scene.house.ask("CancelAnonymization", token=scene.tokens["staff"], customerId=scene.ann.id)
    return {"customerId": scene.ann.id}


async def new_field(scene: Scene) -> dict[str, Any]:
    labels = [{"locale": "en", "text": "Size"}]
    return {"input": {"name": f"size{scene.fresh()}", "type": "TEXT", "labels": labels}}


async def old_field(scene: Scene) -> dict[str, Any]:
    document = "mutation ($input: CreateExtraFieldInput!) { createExtraField(input: $input) { extraField { id } } }"
    token = await scene.house.integration()
    answer = await scene.house.ask(document, token=token, **await new_field(scene))
    return {"input": {"id": answer.data["createExtraField"]["extraField"]["id"]}}


async def other_session(scene: Scene) -> dict[str, Any]:
    document = "{ me { sessions(first: 1) { nodes { id } } } }"
    answer = await scene.house.ask(document, token=(await scene.login()).token)
    return {"input": {"id": answer.data["me"]["sessions"]["nodes"][0]["id"]}}


async def input_of_owner(scene: Scene) -> dict[str, Any]:
    return {"input": {"customerId": scene.ann.id}}


async def newcomer(scene: Scene) -> dict[str, Any]:
    document = "mutation ($input: RegisterInput!) { register(input: $input) { customer { id } } }"
    answer = await scene.house.ask(document, **await registration(scene))
    return {"input": {"customerId": answer.data["register"]["customer"]["id"]}}


async def unsubscribing(scene: Scene) -> dict[str, Any]:
    links = scene.house.patron.services.get(UnsubscribeLinks)
    return {"input": {"token": links.token(ids.decode("Customer", scene.ann.id))}}


async def new_order(scene: Scene) -> dict[str, Any]:
    money = {"amount": "49.90", "currencyCode": "CHF"}
    return {"input": {"customerId": scene.ann.id, "number": f"order-{scene.fresh()}", "total": money, "itemCount": 1}}


async def old_order(scene: Scene) -> dict[str, Any]:
    variables = await new_order(scene)
    answer = await scene.house.ask("RecordOrder", token=scene.tokens["integration"], **variables)
    return {"by": {"id": answer.payload("recordOrder")["order"]["id"]}}


async def changed_order(scene: Scene) -> dict[str, Any]:
    return {**await old_order(scene), "input": {"itemCount": 7}}


async def code(scene: Scene) -> dict[str, Any]:
    return {"code": f"code-{scene.fresh()}"}


async def new_group(scene: Scene) -> dict[str, Any]:
    return {"input": {**await code(scene), "name": "Trade"}}


async def old_group(scene: Scene) -> dict[str, Any]:
    document = (
        "mutation ($input: CreateGroupInput!) { createGroup(input: $input) { group { id } userErrors { code } } }"
    )
    answer = await scene.house.ask(document, token=scene.tokens["integration"], **await new_group(scene))
    return {"id": answer.payload("createGroup")["group"]["id"]}


async def assignment(scene: Scene) -> dict[str, Any]:
    return {"input": {"customerId": scene.ann.id, "groupId": (await old_group(scene))["id"]}}


async def new_market(scene: Scene) -> dict[str, Any]:
    return {"input": {**await code(scene), "name": "Alps", "currencyCode": "CHF"}}


async def old_market(scene: Scene) -> dict[str, Any]:
    document = (
        "mutation ($input: CreateMarketInput!) { createMarket(input: $input) { market { id } userErrors { code } } }"
    )
    answer = await scene.house.ask(document, token=scene.tokens["integration"], **await new_market(scene))
    return {"id": answer.payload("createMarket")["market"]["id"]}


async def upserted(scene: Scene) -> dict[str, Any]:
    return {"input": {"id": scene.ann.id, "firstName": f"Ann{scene.fresh()}"}}


async def deletable(scene: Scene) -> dict[str, Any]:
    person = await scene.house.register(f"gone{scene.fresh()}@example.org")
    return {"input": {"customerId": person.id}}


async def new_shop(scene: Scene) -> dict[str, Any]:
    return {"input": {"slug": f"shop-{scene.fresh()}", "name": "Another shop"}}


async def renamed(scene: Scene) -> dict[str, Any]:
    return {"input": {"name": f"Shop {scene.fresh()}"}}


async def _made(scene: Scene, document: str, variables: dict[str, Any], path: tuple[str, str]) -> str:
    answer = await scene.house.ask(document, token=await scene.house.integration(), input=variables)
    found: str = answer.payload(path[0])[path[1]]["id"]
    return found


async def old_member(scene: Scene) -> dict[str, Any]:
    document = """mutation ($input: CreateStaffMemberInput!) {
        createStaffMember(input: $input) { staffMember { id } userErrors { code } } }"""
    email = {"email": f"old{scene.fresh()}@example.org"}
    return {"input": {"id": await _made(scene, document, email, ("createStaffMember", "staffMember"))}}


async def new_client(_: Scene) -> dict[str, Any]:
    return {"input": {"kind": "PUBLISHABLE", "name": "Kiosk"}}


async def old_client(scene: Scene) -> dict[str, Any]:
    document = """mutation ($input: CreateApiClientInput!) {
        createApiClient(input: $input) { apiClient { id } userErrors { code } } }"""
    kiosk = {"kind": "PUBLISHABLE", "name": "Kiosk"}
    return {"input": {"id": await _made(scene, document, kiosk, ("createApiClient", "apiClient"))}}


def mutation(field: str, kind: str) -> str:
    """A document for a mutation with one input."""
    return f"mutation ($input: {kind}!) {{ {field}(input: $input) {{ {ERRORS} }} }}"


SESSION = f"""mutation ($input: CreatePaymentSessionInput) {{
    createPaymentSession(input: $input) {{ {ERRORS} }} }}"""
OWN, BACK = "NOT_ALLOWED customerId", "NOT_FOUND customerId"


async def new_email(scene: Scene) -> str:
    return f"new{scene.fresh()}@example.org"


async def own_address(scene: Scene) -> dict[str, Any]:
    return {"input": {"email": scene.ann.email}}


async def email_change(scene: Scene) -> dict[str, Any]:
    return {"input": {"newEmail": await new_email(scene), "password": PASSWORD}}


async def verification(scene: Scene) -> dict[str, Any]:
    return await confirming.verification(scene.house, await new_email(scene))


async def reset(scene: Scene) -> dict[str, Any]:
    return await confirming.reset(scene.house, await new_email(scene), NEW_PASSWORD)


async def proven_change(scene: Scene) -> dict[str, Any]:
    return await confirming.change(scene.house, await new_email(scene))


async def undoing(scene: Scene) -> dict[str, Any]:
    return await confirming.undoing(scene.house, await new_email(scene))


# The columns: guest, owner, another, unscoped, integration, staff, elsewhere.
MATRIX: dict[str, Entry] = {
    "node": Entry("query ($id: ID!) { node(id: $id) { id } }", named, (GUEST, OK, NULL, NO, OK, OK, NULL)),
    "viewer": Entry("Viewer", nothing, (OK, OK, OK, OK, OK, OK, OK)),
    "countries": Entry("{ countries { code } }", nothing, (OK, OK, OK, OK, OK, OK, OK)),
    "country": Entry("Country", lambda _: _code(), (OK, OK, OK, OK, OK, OK, OK)),
    "me": Entry("Me", nothing, (GUEST, OK, OK, NO, NO, NO, NO)),
    "customer": Entry("Anonymization", of_owner, (GUEST, NO, NO, NO, OK, OK, NULL)),
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
    "requestAnonymization": Entry("RequestAnonymization", not_requested, (GUEST, NO, NO, NO, NO, OK, BACK)),
    "cancelAnonymization": Entry("CancelAnonymization", requested, (GUEST, NO, NO, NO, NO, OK, BACK)),
    "registrationForm": Entry("RegistrationForm", nothing, (OK, OK, OK, OK, OK, OK, OK)),
    "profileForm": Entry("{ profileForm { fields { name } } }", nothing, (GUEST, OK, OK, NO, NO, NO, NO)),
    "extraFields": Entry("{ extraFields { name } }", nothing, (GUEST, NO, NO, NO, OK, OK, OK)),
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
    "groups": Entry("{ groups { id } }", nothing, (GUEST, NO, NO, NO, OK, OK, OK)),
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
    "markets": Entry("{ markets { id } }", nothing, (OK, OK, OK, OK, OK, OK, OK)),
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
            "undoEmailChange": undoing,
            "requestLoginNameReminder": own_address,
        }.items()
    },
    "requestEmailChange": Entry(
        mutation("requestEmailChange", "RequestEmailChangeInput"), email_change, (GUEST, OK, OK, NO, NO, NO, NO)
    ),
    # These two end the sessions of their callers, so each caller asks once.
    "logout": Entry("Logout", nothing, (OK, OK, OK, OK, OK, OK, OK)),
    "logoutEverywhere": Entry(
        f"mutation {{ logoutEverywhere {{ {ERRORS} }} }}", nothing, (GUEST, OK, OK, NO, NO, NO, NO)
    ),
}


MATRIX.update(
    {
        "customers": Entry("Customers", lambda _: _first(), (GUEST, NO, NO, NO, OK, OK, OK)),
        "upsertCustomer": Entry("UpsertCustomer", upserted, (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id")),
        "deleteCustomer": Entry(
            mutation("deleteCustomer", "DeleteCustomerInput"), deletable, (GUEST, NO, NO, NO, OK, OK, BACK)
        ),
        "organization": Entry("{ organization { id } }", nothing, (GUEST, NO, NO, NO, OK, OK, OK)),
        "createOrganization": Entry(
            mutation("createOrganization", "CreateOrganizationInput"), new_shop, (GUEST, NO, NO, NO, OK, OK, NO)
        ),
        "updateOrganization": Entry(
            mutation("updateOrganization", "UpdateOrganizationInput"), renamed, (GUEST, NO, NO, NO, OK, OK, OK)
        ),
        "staff": Entry("{ staff { id } }", nothing, (GUEST, NO, NO, NO, OK, OK, OK)),
        "createStaffMember": Entry(
            mutation("createStaffMember", "CreateStaffMemberInput"), registration, (GUEST, NO, NO, NO, OK, OK, OK)
        ),
        "deleteStaffMember": Entry(
            mutation("deleteStaffMember", "DeleteStaffMemberInput"),
            old_member,
            (GUEST, NO, NO, NO, OK, OK, "NOT_FOUND id"),
        ),
        "apiClients": Entry("{ apiClients { id } }", nothing, (GUEST, NO, NO, NO, OK, OK, OK)),
        "createApiClient": Entry(
            mutation("createApiClient", "CreateApiClientInput"), new_client, (GUEST, NO, NO, NO, OK, OK, OK)
        ),
        "rotateApiClientSecret": Entry(
            mutation("rotateApiClientSecret", "RotateApiClientSecretInput"),
            old_client,
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
