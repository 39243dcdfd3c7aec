"""What the matrix needs of the confirmations: accounts of their own, and the tokens their mails carry."""

from typing import Any

from tests.house import PASSWORD, House, Person

ASK_CHANGE = """mutation ($input: RequestEmailChangeInput!) {
    requestEmailChange(input: $input) { userErrors { code field } } }"""
CONFIRM_CHANGE = """mutation ($input: ConfirmEmailChangeInput!) {
    confirmEmailChange(input: $input) { userErrors { code field } } }"""
ASK_RESET = """mutation ($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { userErrors { code field } } }"""


async def mailed(house: House, template: str, to: str) -> str:
    """The token in the newest mail of this kind to this address."""
    answer = await house.client.get("/dev/mail", headers={"accept": "application/json"})
    tokens = [
        one["values"]["token"] for one in answer.json()["mails"] if (one["template"], one["to"]) == (template, to)
    ]
    return str(tokens[0])


async def verification(house: House, email: str) -> dict[str, Any]:
    await house.register(email)
    return {"input": {"token": await mailed(house, "VERIFY_EMAIL", email)}}


async def reset(house: House, email: str, password: str) -> dict[str, Any]:
    await house.register(email)
    (await house.ask(ASK_RESET, input={"email": email})).payload("requestPasswordReset")
    token = await mailed(house, "RESET_PASSWORD", email)
    return {"input": {"token": token, "password": password, "passwordConfirmation": password}}


async def change(house: House, email: str) -> dict[str, Any]:
    await _ask_change(house, await house.register(email))
    return {"input": {"token": await mailed(house, "CONFIRM_NEW_EMAIL", f"other-{email}")}}


async def undoing(house: House, email: str) -> dict[str, Any]:
    (await house.ask(CONFIRM_CHANGE, **await change(house, email))).payload("confirmEmailChange")
    return {"input": {"token": await mailed(house, "EMAIL_CHANGED", email)}}


async def _ask_change(house: House, person: Person) -> None:
    given = {"newEmail": f"other-{person.email}", "password": PASSWORD}
    (await house.ask(ASK_CHANGE, token=person.token, input=given)).payload("requestEmailChange")
