"""Objects are fetched by global id, by callers who may see them."""

import uuid

import jwt
import pytest

from app.platform.graphql import ids
from app.platform.principal import Scope
from app.server.nodes.api import NODE_TYPES
from tests.customers.groups.builders import assign, create, create_market
from tests.shop import Shop

NODE = """query Node($id: ID!) { node(id: $id) {
    __typename id ... on Customer { email } ... on Address { city } ... on PaymentMethod { last4 } } }"""
OFFICE = """mutation ($input: CreateExtraFieldInput!) { createExtraField(input: $input) {
    extraField { id } userErrors { code field } } }"""
FIELD = {"name": "size", "type": "TEXT", "labels": [{"locale": "en", "text": "Size"}]}
CUSTOMER = "query ($id: ID!) { customer(by: { id: $id }) { id } }"
END = "mutation ($id: ID!) { endSession(input: { id: $id }) { userErrors { code field } } }"
DELETE = """mutation ($id: ID!) { deleteCustomer(input: { customerId: $id }) {
    deletedCustomerId userErrors { code field } } }"""
VIEWER = "{ viewer { scopes apiClient { clientId } staffMember { id } } }"
ADDRESS = {
    "firstName": "Ann",
    "lastName": "Archer",
    "line1": "Bahnhofstrasse 1",
    "city": "Zürich",
    "postalCode": "8001",
    "country": "CH",
}


async def belongings(shop: Shop, token: str) -> dict[str, str]:
    """One object of each kind that a customer owns."""
    created = await shop.ask("CreateAddress", token=token, input=ADDRESS)
    added = await shop.post(
        {"query": 'mutation { addPaymentMethod(input: { token: "tok_visa" }) { paymentMethod { id } } }'},
        authorization=f"Bearer {token}",
    )
    return {
        "Address": created.payload("createAddress")["address"]["id"],
        "PaymentMethod": added.data["addPaymentMethod"]["paymentMethod"]["id"],
    }


async def test_a_customer_fetches_what_is_its_own_and_nothing_else(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    bob = await shop.register("bob@example.org")
    owned = {"Customer": ann.id, **await belongings(shop, ann.token)}

    for kind, global_id in owned.items():
        mine = (await shop.ask(NODE, token=ann.token, id=global_id)).data["node"]
        assert (mine["__typename"], mine["id"]) == (kind, global_id)
        assert (await shop.ask(NODE, token=bob.token, id=global_id)).data["node"] is None


async def test_the_back_office_fetches_what_is_of_its_organization_and_leaves_a_trace(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    owned = {"Customer": ann.id, **await belongings(shop, ann.token)}
    staff = await shop.staff()
    elsewhere = await shop.staff(organization=await shop.create_organization("second"))
    before = await shop.audit()

    for kind, global_id in owned.items():
        assert (await shop.ask(NODE, token=staff, id=global_id)).data["node"]["__typename"] == kind
        assert (await shop.ask(NODE, token=elsewhere, id=global_id)).data["node"] is None

    assert (await shop.audit())[len(before) :] == ["customer.read"] * 3


@pytest.mark.parametrize("garbage", ["", "x", "Q3VzdG9tZXI6", "T3JnYW5pemF0aW9uOjEyMw", "é", "A" * 5000])
async def test_garbage_is_an_id_of_nothing(shop: Shop, garbage: str) -> None:
    ann = await shop.register("ann@example.org")

    assert (await shop.ask(NODE, token=ann.token, id=garbage)).data["node"] is None


@pytest.mark.parametrize("kind", ["x", "Customer", "Order"])
async def test_a_guest_fetches_nothing_that_is_somebodys(shop: Shop, kind: str) -> None:
    answer = await shop.ask(NODE, id=ids.encode(kind, uuid.uuid4()))

    assert answer.codes == ["UNAUTHENTICATED"]


async def test_a_market_is_fetched_by_those_who_may_know_of_it(shop: Shop) -> None:
    desk = await shop.integration()
    trade, other = await create(shop, desk, "trade"), await create(shop, desk, "other")
    public = await create_market(shop, desk, "ch")
    private = await create_market(shop, desk, "trade", groupId=trade["id"])
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    await assign(shop, desk, ann.id, trade["id"])
    await assign(shop, desk, bob.id, other["id"])
    without = await shop.integration(Scope.ORDERS_WRITE)
    elsewhere = await shop.integration(organization=await shop.create_organization("second"))

    seen = {
        (name, market["code"])
        for name, token in {
            "guest": None,
            "ann": ann.token,
            "bob": bob.token,
            "desk": desk,
            "no scope": without,
        }.items()
        for market in (public, private)
        if (await shop.ask(NODE, token=token, id=market["id"])).data["node"]
    }

    assert seen == {(name, "ch") for name in ("guest", "ann", "bob", "desk", "no scope")} | {
        ("ann", "trade"),
        ("desk", "trade"),
    }
    assert (await shop.ask(NODE, token=elsewhere, id=public["id"])).data["node"] is None


async def test_a_group_is_fetched_by_those_who_may_read_groups(shop: Shop) -> None:
    desk = await shop.integration()
    group = await create(shop, desk, "trade")
    ann = await shop.register("ann@example.org")
    before = await shop.audit()

    for scope in (Scope.CUSTOMERS_READ, Scope.GROUPS_WRITE):
        token = await shop.integration(scope)
        found = (await shop.ask(NODE, token=token, id=group["id"])).data["node"]
        assert found == {"__typename": "CustomerGroup", "id": group["id"]}
    for refused in (ann.token, await shop.integration(Scope.ORDERS_WRITE)):
        assert (await shop.ask(NODE, token=refused, id=group["id"])).codes == ["FORBIDDEN"]
    only_groups = await shop.integration(Scope.GROUPS_WRITE)
    assert (await shop.ask(NODE, token=only_groups, id=ann.id)).codes == ["FORBIDDEN"]

    assert "customer.read" not in (await shop.audit())[len(before) :]


async def test_every_type_with_an_id_is_fetched_again_by_those_who_may_see_it(shop: Shop) -> None:
    desk, limited = await shop.integration(), await shop.integration(Scope.CUSTOMERS_READ)
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    second = await shop.create_organization("second")
    elsewhere = await shop.integration(organization=second)
    found = (await shop.ask(OFFICE, token=desk, input=FIELD)).data
    back_office = {
        "ApiClient": (await shop.ask("{ apiClients { id } }", token=desk)).data["apiClients"][0]["id"],
        "ExtraField": found["createExtraField"]["extraField"]["id"],
    }
    session = (await shop.ask("{ me { sessions { nodes { id } } } }", token=ann.token)).data["me"]["sessions"]
    session_id = session["nodes"][0]["id"]
    organizations = {
        "OwnOrganization": (await shop.ask("{ organization { id } }")).data["organization"]["id"],
        "Organization": (await shop.ask("{ viewer { organization { id } } }")).data["viewer"]["organization"]["id"],
    }

    for kind, global_id in back_office.items():
        assert (await shop.ask(NODE, token=desk, id=global_id)).data["node"] == {"__typename": kind, "id": global_id}
        assert (await shop.ask(NODE, token=elsewhere, id=global_id)).data["node"] is None
        assert (await shop.ask(NODE, token=limited, id=global_id)).codes == ["FORBIDDEN"]
        assert (await shop.ask(NODE, id=global_id)).codes == ["UNAUTHENTICATED"]
    mine = await shop.ask(NODE, token=ann.token, id=session_id)
    assert mine.data["node"] == {"__typename": "Session", "id": session_id}
    assert (await shop.ask(NODE, token=bob.token, id=session_id)).data["node"] is None
    assert (await shop.ask(NODE, token=desk, id=session_id)).codes == ["FORBIDDEN"]
    for kind, global_id in organizations.items():
        for token in (None, ann.token, desk):
            own = await shop.ask(NODE, token=token, id=global_id)
            assert own.data["node"] == {"__typename": kind, "id": global_id}
        assert (await shop.ask(NODE, organization=second, id=global_id)).data["node"] is None
    settings = "query ($id: ID!) { node(id: $id) { ... on OwnOrganization { settings { approval } } } }"
    assert (await shop.ask(settings, token=ann.token, id=organizations["OwnOrganization"])).codes == ["FORBIDDEN"]


async def test_every_type_of_the_schema_with_an_id_can_be_fetched(shop: Shop) -> None:
    answer = await shop.ask('{ __type(name: "Node") { possibleTypes { name } } }')

    assert {one["name"] for one in answer.data["__type"]["possibleTypes"]} == set(NODE_TYPES)


async def test_ids_of_tokens_are_ids_of_the_api_but_for_node(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    desk, elsewhere = await shop.staff(), await shop.staff(organization=await shop.create_organization("second"))
    claims = jwt.decode(ann.token, options={"verify_signature": False})

    for given in (claims["sub"], str(uuid.UUID(claims["sub"])), claims["sub"].upper(), ann.id):
        assert (await shop.ask(CUSTOMER, token=desk, id=given)).data["customer"] == {"id": ann.id}
        assert (await shop.ask(CUSTOMER, token=elsewhere, id=given)).data["customer"] is None
    assert (await shop.ask(NODE, token=ann.token, id=claims["sub"])).data["node"] is None
    for wrong in ("{" + claims["sub"] + "}", claims["sub"][:-1], "١" * 32):
        assert (await shop.ask(CUSTOMER, token=desk, id=wrong)).data["customer"] is None

    stolen = await shop.ask(END, token=bob.token, id=claims["sid"])
    assert stolen.refusals("endSession") == [("NOT_FOUND", ["id"])]
    (await shop.ask(END, token=ann.token, id=claims["sid"])).payload("endSession")
    deleted = await shop.ask(DELETE, token=desk, id=claims["sub"])
    assert deleted.payload("deleteCustomer")["deletedCustomerId"] == ann.id
    assert (await shop.ask(CUSTOMER, token=desk, id=bob.id)).data["customer"] == {"id": bob.id}


async def test_the_viewer_says_who_and_which_client(shop: Shop) -> None:
    ann = await shop.register("ann@example.org")
    desk = await shop.staff(Scope.CUSTOMERS_READ, Scope.AUDIT_READ)
    system = await shop.integration(Scope.ORGANIZATION_WRITE)

    callers = [(await shop.ask(VIEWER, token=token)).data["viewer"] for token in (desk, system, ann.token, None)]

    client = {"clientId": str(shop.organization.client_id)}
    assert callers == [
        {
            "scopes": ["AUDIT_READ", "CUSTOMERS_READ"],
            "apiClient": client,
            "staffMember": {"id": ids.encode("Staff", shop.organization.staff_id)},
        },
        {"scopes": ["ORGANIZATION_WRITE"], "apiClient": client, "staffMember": None},
        {"scopes": [], "apiClient": None, "staffMember": None},
        {"scopes": [], "apiClient": None, "staffMember": None},
    ]
