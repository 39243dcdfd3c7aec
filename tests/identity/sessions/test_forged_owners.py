"""Tokens name their owner; who writes another name into one finds nothing, and changes nothing."""

import base64
from uuid import UUID, uuid4

import pytest

from app.platform import owner_tokens
from app.platform.graphql import ids
from tests.shop import PASSWORD, Person, Shop

REFRESH_REFUSED = [("TOKEN_INVALID", ["refreshToken"])]
REQUEST = """mutation ($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { userErrors { code field } } }"""
RESET = """mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { userErrors { code field } } }"""
NEW = "amber lantern rests by noon"


def row_id(person: Person) -> UUID:
    return ids.decode("Customer", person.id)


def with_owner(token: str, owner_id: UUID) -> str:
    """The same secret in the name of somebody else."""
    prefix, _, body = token.partition("_")
    secret = base64.urlsafe_b64decode(body)[16:]
    return f"{prefix}_{base64.urlsafe_b64encode(owner_id.bytes + secret).decode()}"


def test_a_token_says_whose_it_is() -> None:
    owner_id = uuid4()
    token = owner_tokens.issue("rt", owner_id)

    assert owner_tokens.owner_id("rt", token) == owner_id
    assert owner_tokens.owner_id("rt", with_owner(token, UUID(int=7))) == UUID(int=7)
    assert len({owner_tokens.issue("rt", owner_id) for _ in range(100)}) == 100


@pytest.mark.parametrize("body", ["", "x", "A" * 63, "A" * 65, "A" * 63 + "é", "_" * 65])
def test_what_is_no_token_has_no_owner(body: str) -> None:
    assert owner_tokens.owner_id("rt", f"rt_{body}") is None


def test_a_token_of_another_kind_has_no_owner() -> None:
    assert owner_tokens.owner_id("rt", owner_tokens.issue("pr", uuid4())) is None


async def test_a_refresh_token_in_the_name_of_another_finds_nothing(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    assert owner_tokens.owner_id("rt", ann.refresh_token) == row_id(ann)
    before = await shop.counts()

    for owner_id in (row_id(bob), uuid4(), UUID(int=0)):
        refused = await shop.ask("RefreshToken", refreshToken=with_owner(ann.refresh_token, owner_id))
        assert refused.refusals("refreshToken") == REFRESH_REFUSED

    assert await shop.counts() == before
    for person in (ann, bob):
        assert (await shop.ask("RefreshToken", refreshToken=person.refresh_token)).payload("refreshToken")["tokens"]


async def test_a_mailed_token_in_the_name_of_another_finds_nothing(shop: Shop) -> None:
    ann, bob = await shop.register("ann@example.org"), await shop.register("bob@example.org")
    for person in (ann, bob):
        (await shop.ask(REQUEST, input={"email": person.email})).payload("requestPasswordReset")
    mailbox = await shop.client.get("/dev/mail", headers={"accept": "application/json"})
    tokens = [mail["values"].get("token", "") for mail in mailbox.json()["mails"] if mail["to"] == ann.email]
    (token,) = [one for one in tokens if one.startswith("pr_")]
    assert owner_tokens.owner_id("pr", token) == row_id(ann)
    before = await shop.counts()

    change = {"password": NEW, "passwordConfirmation": NEW}
    forged = await shop.ask(RESET, input={"token": with_owner(token, row_id(bob)), **change})

    assert forged.refusals("resetPassword") == [("TOKEN_INVALID", ["token"])]
    assert await shop.counts() == before
    (await shop.ask(RESET, input={"token": token, **change})).payload("resetPassword")
    assert (await shop.ask("Login", identifier=bob.email, password=PASSWORD)).payload("login")["tokens"]
