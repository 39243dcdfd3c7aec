"""Builder of the confirmation tests: an organization that requires verified email addresses, and its outgoing mails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.tables import RefreshToken
from app.platform.clock import now
from tests.shop import PASSWORD, Answer, SeededOrganization, Shop

NEW_PASSWORD = "another violet tractor"
REGISTER = """mutation ($input: RegisterInput!) {
    register(input: $input) {
        nextStep registrationToken customer { id email firstName lastName status hasPassword shopperReference }
        tokens { accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt }
        userErrors { __typename code field message } } }"""
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
class Storefront:
    """A storefront of one organization in one browser: sends its mutations and reads the mails it caused.

    Like a browser it keeps the `registrationToken` of an address that it registered, and sends it with what the
    mail to this address is used for. `elsewhere` is another browser.
    """

    shop: Shop
    organization: SeededOrganization
    registration_tokens: dict[str, str] = field(default_factory=dict)

    def elsewhere(self) -> "Storefront":
        """The same storefront in another browser, which registered nothing."""
        return Storefront(self.shop, self.organization)

    async def mutate(
        self, name: str, *, bearer: str | None = None, organization: SeededOrganization | None = None, **given: Any
    ) -> Answer:
        """Send a mutation with this input."""
        if name in {"verifyEmail", "resetPassword"} and "registrationToken" not in given:
            remembered = self.registration_tokens.get(await self._address_of(given) or "")
            given |= {"registrationToken": remembered} if remembered else {}
        return await self.shop.ask(
            DOCUMENTS[name], token=bearer, organization=organization or self.organization, input=given
        )

    async def _address_of(self, given: Mapping[str, Any]) -> str | None:
        if given.get("email"):
            return str(given["email"]).lower()
        token = given.get("token")
        return next((mail["to"] for mail in await self.mails() if mail["values"].get("token") == token), None)

    async def succeed(self, name: str, *, bearer: str | None = None, **given: Any) -> None:
        """Send a mutation and assert that it succeeded."""
        (await self.mutate(name, bearer=bearer, **given)).payload(name)

    async def refusals_of(self, name: str, *, bearer: str | None = None, **given: Any) -> list[tuple[str, Any]]:
        """Send a mutation and return its user errors."""
        return (await self.mutate(name, bearer=bearer, **given)).refusals(name)

    async def register(self, email: str, password: str | None = PASSWORD, **profile: Any) -> Answer:
        secrets = {"password": password, "passwordConfirmation": password} if password else {}
        answer = await self.shop.ask(
            REGISTER, organization=self.organization, input={"email": email, **secrets, **profile}
        )
        token = (answer.body.get("data") or {"register": {}})["register"].get("registrationToken")
        if token:
            self.registration_tokens[email.lower()] = token
            # Random, and of the same form for every address: everything else is compared.
            answer.body["data"]["register"]["registrationToken"] = f"rg_{len(token)}"
        return answer

    async def login(self, email: str, password: str = PASSWORD) -> Answer:
        return await self.shop.ask("Login", organization=self.organization, identifier=email, password=password)

    async def token(self, email: str, password: str = PASSWORD) -> str:
        """An access token, by logging in."""
        answer = await self.login(email, password)
        found: str = answer.payload("login")["tokens"]["accessToken"]
        return found

    async def me(self, token: str) -> Answer:
        return await self.shop.ask("Me", token=token, organization=self.organization)

    @property
    def hasher(self) -> PasswordHasher:
        """The password hasher, which counts its hashes."""
        return self.shop.runtime.services.get(PasswordHasher)

    async def let_grace_pass(self) -> None:
        """Move every use of a refresh token a minute into the past."""
        await self.shop.change(RefreshToken, used_at=now() - timedelta(minutes=1))

    async def mails(self) -> list[dict[str, Any]]:
        """All mails, oldest first, as the mailbox of development shows them."""
        answer = await self.shop.client.get("/dev/mail", headers={"accept": "application/json"})
        found: list[dict[str, Any]] = answer.json()["mails"]
        return found[::-1]

    async def mail_kinds(self) -> list[tuple[str, str]]:
        """Template and recipient of all mails, oldest first."""
        return [(mail["template"], mail["to"]) for mail in await self.mails()]

    async def mail_values(self, template: str, to: str) -> dict[str, str]:
        """The template values of the newest mail of this kind to this address."""
        values: dict[str, str] = [
            mail["values"] for mail in await self.mails() if (mail["template"], mail["to"]) == (template, to)
        ][-1]
        return values

    async def register_verified(self, email: str, password: str = PASSWORD) -> str:
        """Register, verify the address and log in; return the access token."""
        (await self.register(email, password)).payload("register")
        await self.succeed("verifyEmail", token=(await self.mail_values("VERIFY_EMAIL", email))["token"])
        return await self.token(email, password)
