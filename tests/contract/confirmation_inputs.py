"""Inputs of the permission matrix for the confirmations: accounts of their own, and the tokens in their mails."""

from typing import Any

from tests.shop import PASSWORD, Person, Shop

ASK_CHANGE = """mutation ($input: RequestEmailChangeInput!) {
    requestEmailChange(input: $input) { userErrors { code field } } }"""
CONFIRM_CHANGE = """mutation ($input: ConfirmEmailChangeInput!) {
    confirmEmailChange(input: $input) { userErrors { code field } } }"""
VERIFY = "mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { userErrors { code field } } }"
ASK_RESET = """mutation ($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { userErrors { code field } } }"""


async def mailed_token(shop: Shop, template: str, to: str) -> str:
    """The token in the newest mail of this kind to this address."""
    answer = await shop.client.get("/dev/mail", headers={"accept": "application/json"})
    tokens = [
        one["values"]["token"] for one in answer.json()["mails"] if (one["template"], one["to"]) == (template, to)
    ]
    return str(tokens[0])


async def verification(shop: Shop, email: str) -> dict[str, Any]:
    await shop.register(email)
    return {"input": {"token": await mailed_token(shop, "VERIFY_EMAIL", email)}}


async def reset(shop: Shop, email: str, password: str) -> dict[str, Any]:
    await shop.register(email)
    (await shop.ask(ASK_RESET, input={"email": email})).payload("requestPasswordReset")
    token = await mailed_token(shop, "RESET_PASSWORD", email)
    return {"input": {"token": token, "password": password, "passwordConfirmation": password}}


async def change(shop: Shop, email: str) -> dict[str, Any]:
    await _ask_change(shop, await shop.register(email))
    return {"input": {"token": await mailed_token(shop, "CONFIRM_NEW_EMAIL", f"other-{email}")}}


async def email_change_undo(shop: Shop, email: str) -> dict[str, Any]:
    await _ask_change(shop, await _proven(shop, email))
    given = {"token": await mailed_token(shop, "CONFIRM_NEW_EMAIL", f"other-{email}")}
    (await shop.ask(CONFIRM_CHANGE, input=given)).payload("confirmEmailChange")
    return {"input": {"token": await mailed_token(shop, "EMAIL_CHANGED", email)}}


async def _ask_change(shop: Shop, person: Person) -> None:
    given = {"newEmail": f"other-{person.email}", "password": PASSWORD}
    (await shop.ask(ASK_CHANGE, token=person.token, input=given)).payload("requestEmailChange")


async def _proven(shop: Shop, email: str) -> Person:
    """Somebody who has proven the address: nobody else can undo a change of it."""
    person = await shop.register(email)
    token = await mailed_token(shop, "VERIFY_EMAIL", email)
    (await shop.ask(VERIFY, token=person.token, input={"token": token})).payload("verifyEmail")
    return person
