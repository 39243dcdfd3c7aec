"""Builders of the tests about groups and markets."""

from typing import Any

from tests.shop import Answer, Shop

ERRORS = "userErrors { __typename code field message }"
GROUP = "id code name taxExempt isDefault"
CREATE = f"mutation ($input: CreateGroupInput!) {{ createGroup(input: $input) {{ group {{ {GROUP} }} {ERRORS} }} }}"
UPDATE = f"""mutation ($id: ID!, $input: UpdateGroupInput!) {{
    updateGroup(id: $id, input: $input) {{ group {{ {GROUP} }} {ERRORS} }} }}"""
DELETE = f"""mutation ($id: ID!, $replacementId: ID) {{
    deleteGroup(id: $id, replacementId: $replacementId) {{ deletedGroupId movedCustomers {ERRORS} }} }}"""
ASSIGN = f"""mutation ($input: AssignCustomerGroupInput!) {{ assignCustomerGroup(input: $input) {{
    customer {{ id version group {{ {GROUP} }} }} {ERRORS} }} }}"""
GROUPS = f"{{ groups {{ {GROUP} }} }}"
OWN = f"{{ me {{ version group {{ {GROUP} }} }} }}"
MARKET = f"id code name currencyCode isPrivate group {{ {GROUP} }}"
CREATE_MARKET = f"""mutation ($input: CreateMarketInput!) {{
    createMarket(input: $input) {{ market {{ {MARKET} }} {ERRORS} }} }}"""
UPDATE_MARKET = f"""mutation ($id: ID!, $input: UpdateMarketInput!) {{
    updateMarket(id: $id, input: $input) {{ market {{ {MARKET} }} {ERRORS} }} }}"""
DELETE_MARKET = f"mutation ($id: ID!) {{ deleteMarket(id: $id) {{ deletedMarketId {ERRORS} }} }}"
MARKETS = "query ($all: Boolean) { markets(includePrivate: $all) { code } }"


async def create(shop: Shop, token: str, code: str = "wholesale", **fields: object) -> Any:
    """Create a group and return it."""
    answer = await shop.ask(CREATE, token=token, input={"code": code, "name": code.title(), **fields})
    return answer.payload("createGroup")["group"]


async def groups(shop: Shop, token: str) -> Any:
    """All groups."""
    return (await shop.ask(GROUPS, token=token)).data["groups"]


async def assign(shop: Shop, token: str, customer_id: str, group_id: str | None) -> Answer:
    """Assign a customer to a group."""
    return await shop.ask(ASSIGN, token=token, input={"customerId": customer_id, "groupId": group_id})


async def own_group(shop: Shop, token: str) -> Any:
    """The code of the customer's group, read by the customer."""
    group = (await shop.ask(OWN, token=token)).data["me"]["group"]
    return group["code"] if group else None


async def create_market(shop: Shop, token: str, code: str, **fields: object) -> Any:
    """Create a market and return it."""
    given = {"code": code, "name": code.title(), "currencyCode": "CHF", **fields}
    return (await shop.ask(CREATE_MARKET, token=token, input=given)).payload("createMarket")["market"]


async def markets(shop: Shop, token: str | None = None) -> list[str]:
    """The codes of the markets that the caller can read."""
    return [one["code"] for one in (await shop.ask(MARKETS, token=token)).data["markets"]]
