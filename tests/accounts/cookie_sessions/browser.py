"""Builder of the tests of cookie sessions: a browser on a page of the storefront, which keeps the session cookie."""

from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx

from tests.shop import CONTRACT, PASSWORD, Answer, SeededOrganization, Shop

PAGE = "https://shop.example.org"
NAME = "__Host-patron"
ME = "{ me { email } }"


@dataclass(slots=True)
class Browser:
    """A browser whose pages belong to one organization: sends its cookie and its `Origin`, and no token."""

    shop: Shop
    organization: SeededOrganization
    origin: str | None = PAGE
    name: str = NAME
    cookie: str | None = None
    received: list[Morsel[str]] = field(default_factory=list)

    async def send(
        self, query: str, *, key: bool = True, headers: dict[str, str] | None = None, **given: Any
    ) -> Answer:
        """Send an operation; what the response says of the cookie is in `received`, and kept."""
        own = {"x-api-key": self.organization.key} if key else {}
        own |= {"origin": self.origin} if self.origin else {}
        own |= {"cookie": f"theme=dark; {self.name}={self.cookie}"} if self.cookie else {}
        body = {"query": CONTRACT.get(query, query), "variables": given}
        response = await self.shop.client.post("/graphql", json=body, headers=own | (headers or {}))
        self.keep(response)
        return Answer(response.status_code, response.headers, response.json())

    def keep(self, response: httpx.Response) -> None:
        """What a browser does with `Set-Cookie`."""
        self.received = []
        for header in response.headers.get_list("set-cookie"):
            self.received += SimpleCookie(header).values()
        for morsel in self.received:
            self.cookie = None if morsel["max-age"] == "0" else morsel.value

    async def sign_in(self, query: str, **given: Any) -> Answer:
        """Send a mutation that signs in, and ask for a cookie."""
        return await self.send(query, headers={"x-session": "cookie"}, **given)

    async def register(self, email: str) -> "Browser":
        """Register a customer, who is then logged in by the cookie."""
        account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD}
        (await self.sign_in("Register", input=account)).payload("register")
        assert self.cookie
        return self

    async def login(self, email: str) -> "Browser":
        """Log in."""
        (await self.sign_in("Login", identifier=email, password=PASSWORD)).payload("login")
        return self

    async def email(self) -> str | None:
        """Whose session it is; None for nobody's."""
        answer = await self.send(ME)
        data = answer.body.get("data") or {}
        return data["me"]["email"] if data.get("me") else None

    def other(self) -> "Browser":
        """The same storefront in another browser."""
        return Browser(self.shop, self.organization, self.origin, self.name)

    def with_cookie(self, cookie: str | None) -> "Browser":
        """Another browser that has this cookie."""
        return Browser(self.shop, self.organization, self.origin, self.name, cookie)
