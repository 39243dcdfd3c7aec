"""The words of the confirmation tests: a shop that wants addresses proven, and the mails it sends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import update

from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.tables import RefreshToken
from app.platform.clock import now
from tests.house import PASSWORD, Answer, House, Shop

NEW_PASSWORD = "another violet tractor"
ERRORS = "{ userErrors { code field message } }"
DOCUMENTS = {
    name: f"mutation Do($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {ERRORS} }}"
    for name in (
        "verifyEmail",
        "requestEmailVerification",
        "requestPasswordReset",
        "resetPassword",
        "requestEmailChange",
        "confirmEmailChange",
        "undoEmailChange",
        "requestLoginNameReminder",
        "changePassword",
    )
}


@dataclass(slots=True)
class Letters:
    """A shop of a house, and what it wrote to whom."""

    house: House
    shop: Shop

    async def do(self, name: str, *, bearer: str | None = None, shop: Shop | None = None, **given: Any) -> Answer:
        """Send a mutation with this input."""
        return await self.house.ask(DOCUMENTS[name], token=bearer, shop=shop or self.shop, input=given)

    async def done(self, name: str, *, bearer: str | None = None, **given: Any) -> None:
        """The same, and it was carried out."""
        (await self.do(name, bearer=bearer, **given)).payload(name)

    async def refused(self, name: str, *, bearer: str | None = None, **given: Any) -> list[tuple[str, Any]]:
        """The same, and what it was refused for."""
        return (await self.do(name, bearer=bearer, **given)).refusals(name)

    async def register(self, email: str, password: str | None = PASSWORD, **profile: Any) -> Answer:
        secrets = {"password": password, "passwordConfirmation": password} if password else {}
        return await self.house.ask("Register", shop=self.shop, input={"email": email, **secrets, **profile})

    async def login(self, email: str, password: str = PASSWORD) -> Answer:
        return await self.house.ask("Login", shop=self.shop, identifier=email, password=password)

    async def token(self, email: str, password: str = PASSWORD) -> str:
        """An access token, by logging in."""
        answer = await self.login(email, password)
        found: str = answer.payload("login")["tokens"]["accessToken"]
        return found

    async def me(self, token: str) -> Answer:
        return await self.house.ask("Me", token=token, shop=self.shop)

    @property
    def hasher(self) -> PasswordHasher:
        """What counts the hashes."""
        return self.house.patron.services.get(PasswordHasher)

    async def let_grace_pass(self) -> None:
        """Make every use of a refresh token lie a minute back."""
        async with self.house.patron.store.database.transaction() as session:
            await session.exec(update(RefreshToken).values(used_at=now() - timedelta(minutes=1)))

    async def mails(self) -> list[dict[str, Any]]:
        """All mails, oldest first, as the mailbox of development shows them."""
        answer = await self.house.client.get("/dev/mail", headers={"accept": "application/json"})
        found: list[dict[str, Any]] = answer.json()["mails"]
        return found[::-1]

    async def kinds(self) -> list[tuple[str, str]]:
        """Template and recipient of all mails, oldest first."""
        return [(mail["template"], mail["to"]) for mail in await self.mails()]

    async def last(self, template: str, to: str) -> dict[str, str]:
        """The values of the newest mail of this kind to this address."""
        values: dict[str, str] = [
            mail["values"] for mail in await self.mails() if (mail["template"], mail["to"]) == (template, to)
        ][-1]
        return values

    async def member(self, email: str, password: str = PASSWORD) -> str:
        """Somebody who has registered, proven the address and logged in; the access token."""
        (await self.register(email, password)).payload("register")
        await self.done("verifyEmail", token=(await self.last("VERIFY_EMAIL", email))["token"])
        return await self.token(email, password)
