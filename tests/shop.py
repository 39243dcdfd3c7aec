"""Builders of the tests: a shop, its callers, and requests over HTTP."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import SQLModel, update

from app.accounts.organizations.service import ClientKind, add_client, add_organization
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import LoginSessions
from app.identity.staff import repository as staff
from app.platform.principal import Scope
from app.platform.settings import Settings
from app.platform.values import EmailAddress
from app.platform.vault import master
from app.server.runtime import Runtime, open_runtime
from app.server.web import create_app

PASSWORD = "a quiet green bicycle"
OPERATIONS = Path(__file__).parent.parent / "app" / "server" / "graphiql" / "operations"
CHANGE = re.compile(r"(?P<change>(?:UPDATE|DELETE FROM) (?P<table>\w+)\b.*?)(?: WHERE (?P<condition>.*))?", re.DOTALL)
MASTER_KEY = f"1:{master.generate()}"


@dataclass(frozen=True, slots=True)
class Urls:
    """The URLs of the two databases of a test."""

    main: str
    keystore: str
    folder: Path

    def settings(self, **overrides: Any) -> Settings:
        """Settings of a runtime on these databases, with cheap password hashes."""
        values: dict[str, Any] = {
            "database_url": SecretStr(self.main),
            "keystore_url": SecretStr(self.keystore),
            "var_dir": self.folder,
            "public_url": "http://patron.test",
            "master_key": SecretStr(MASTER_KEY),
            "argon2_memory": 8,
            "argon2_iterations": 1,
            "anonymization_delay": 0,
            # A busy machine is no outage.
            "database_pool_timeout": 30,
            **overrides,
        }
        return Settings(**values)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the endpoint."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def data(self) -> Any:
        """The data; fails the test when there are top-level errors."""
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def codes(self) -> list[str]:
        """The codes of the top-level errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]

    def payload(self, name: str) -> Any:
        """The payload of a mutation; fails the test when it has `userErrors`."""
        payload = self.data[name]
        assert payload["userErrors"] == [], payload["userErrors"]
        return payload

    def refusals(self, name: str) -> list[tuple[str, list[str] | None]]:
        """Code and field of each of the payload's `userErrors`."""
        return [(error["code"], error.get("field")) for error in self.data[name]["userErrors"]]


@dataclass(frozen=True, slots=True)
class Person:
    """A customer who is logged in."""

    id: str
    email: str
    token: str
    refresh_token: str


@dataclass(slots=True)
class SeededOrganization:
    """One organization with a storefront's key, an integration and a staff member."""

    id: UUID
    slug: str
    key: str
    storefront_id: UUID
    client_id: UUID
    client_secret: str
    client_key: str
    staff_id: UUID
    staff_email: str


def operations() -> dict[str, str]:
    """The contract's operations by name, each as clients send it."""
    found = {}
    for path in sorted(OPERATIONS.glob("*.graphql")):
        for part in path.read_text().split("\n\n"):
            if part.strip():
                name = part.split(None, 2)[1].split("(")[0]
                found[name] = part
    return found


CONTRACT = operations()


@dataclass(slots=True)
class Shop:
    """A running service with its organizations, called over HTTP in process."""

    runtime: Runtime
    organization: SeededOrganization
    client: httpx.AsyncClient
    organizations: dict[str, SeededOrganization] = field(default_factory=dict)
    # Of bystanders: people whom the test is not about.
    not_counted: Mapping[str, str] = field(default_factory=dict)

    async def post(self, body: Any, **headers: str) -> Answer:
        """Send a body to the endpoint."""
        response = await self.client.post("/graphql", json=body, headers=headers)
        return Answer(response.status_code, response.headers, response.json())

    async def ask(
        self, query: str, *, token: str | None = None, organization: SeededOrganization | None = None, **variables: Any
    ) -> Answer:
        """Send an operation: one of the contract by its name, or a document."""
        headers = {} if token and organization is None else {"x-api-key": (organization or self.organization).key}
        if token:
            headers["authorization"] = f"Bearer {token}"
        return await self.post({"query": CONTRACT.get(query, query), "variables": variables}, **headers)

    async def register(self, email: str, *, organization: SeededOrganization | None = None, **profile: Any) -> Person:
        """Register a customer and log in."""
        account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD, **profile}
        answer = await self.ask("Register", organization=organization, input=account)
        payload = answer.payload("register")
        tokens = payload["tokens"]
        return Person(payload["customer"]["id"], email, tokens["accessToken"], tokens["refreshToken"])

    async def integration(self, *scopes: Scope, organization: SeededOrganization | None = None) -> str:
        """An access token of the organization's integration; all scopes unless some are named."""
        return await self._client_token(organization or self.organization, scopes, None)

    async def staff(self, *scopes: Scope, organization: SeededOrganization | None = None) -> str:
        """An access token of the integration on behalf of the organization's staff member."""
        at = organization or self.organization
        return await self._client_token(at, scopes, at.staff_id)

    async def _client_token(
        self, organization: SeededOrganization, scopes: tuple[Scope, ...], staff_id: UUID | None
    ) -> str:
        sessions = self.runtime.services.get(LoginSessions)
        async with self.runtime.store.database.transaction() as session:
            token, _ = await sessions.start_for_client(
                session,
                organization_id=organization.id,
                client_id=organization.client_id,
                staff_id=staff_id,
                scopes=frozenset(scopes or Scope),
            )
        return token

    async def create_organization(self, slug: str, **settings: Any) -> SeededOrganization:
        """Another organization."""
        organization = self.organizations[slug] = await seed_organization(self.runtime, slug, **settings)
        return organization

    def hashes(self) -> int:
        """The number of passwords hashed or verified so far."""
        return self.runtime.services.get(PasswordHasher).hashes

    async def count(self, table: str, condition: str = "1 = 1") -> int:
        """The number of rows of a table in the main database that meet a condition, without those of bystanders."""
        theirs = self.not_counted.get(table, "1 = 0")
        async with self.runtime.store.database.engine.connect() as connection:
            found = await connection.execute(
                text(f"SELECT count(*) FROM {table} WHERE ({condition}) AND NOT ({theirs})")
            )
            return int(found.scalar_one())

    async def execute(self, statement: str) -> None:
        """Execute a statement in the main database directly; an UPDATE or DELETE leaves rows of bystanders alone."""
        if found := CHANGE.fullmatch(statement):
            theirs = self.not_counted.get(found["table"], "1 = 0")
            statement = f"{found['change']} WHERE ({found['condition'] or '1 = 1'}) AND NOT ({theirs})"
        async with self.runtime.store.database.engine.begin() as connection:
            await connection.execute(text(statement))

    async def change(self, table: type[SQLModel], **values: Any) -> None:
        """Set columns of all rows of a table, but for those of bystanders."""
        theirs = self.not_counted.get(str(table.__tablename__), "1 = 0")
        async with self.runtime.store.database.transaction() as session:
            await session.exec(update(table).where(text(f"NOT ({theirs})")).values(**values))

    async def scalar(self, query: str) -> Any:
        """The single value of a query in the main database."""
        async with self.runtime.store.database.engine.connect() as connection:
            return (await connection.execute(text(query))).scalar_one()

    async def counts(self) -> dict[str, int]:
        """The number of rows of every table: equal before and after when nothing was written."""
        return {table: await self.count(table) for table in await self.tables()}

    async def tables(self) -> list[str]:
        """All tables of the main database."""
        async with self.runtime.store.database.engine.connect() as connection:
            from sqlalchemy import inspect  # noqa: PLC0415

            return sorted(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))

    async def audit(self) -> list[str]:
        """The actions in the audit log, oldest first, without what happened to bystanders before."""
        theirs = self.not_counted.get("audit_events", "1 = 0")
        async with self.runtime.store.database.engine.connect() as connection:
            rows = await connection.execute(text(f"SELECT action FROM audit_events WHERE NOT ({theirs}) ORDER BY id"))
            return [row.action for row in rows]


async def seed_organization(runtime: Runtime, slug: str, **settings: Any) -> SeededOrganization:
    """An organization that does not require a verified email address to log in, unless the settings say so."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    email = f"sam@{slug}.example.org"
    async with runtime.store.database.transaction() as session:
        chosen = {"require_verified_email": False, **settings}
        organization = add_organization(
            session, slug=slug, name=slug.title(), settings=chosen, is_default=slug == "first"
        )
        await session.flush()
        vault = runtime.store.vault
        storefront = add_client(
            session, vault, organization_id=organization.id, kind=ClientKind.PUBLISHABLE, name="Storefront"
        )
        integration = add_client(
            session,
            vault,
            organization_id=organization.id,
            kind=ClientKind.CONFIDENTIAL,
            name="Back office",
            scopes=frozenset(Scope),
            public_key=public,
        )
        staff_id = await staff.add(
            session,
            vault,
            organization_id=organization.id,
            email=EmailAddress.parse(email),
            first_name="Sam",
            last_name="Staff",
        )
    return SeededOrganization(
        id=organization.id,
        slug=slug,
        key=storefront.key,
        storefront_id=storefront.id,
        client_id=integration.id,
        client_secret=integration.key,
        client_key=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        staff_id=staff_id,
        staff_email=email,
    )


@asynccontextmanager
async def open_shop(
    urls: Urls, organization: SeededOrganization | None = None, *, source: str = "127.0.0.1", **overrides: Any
) -> AsyncIterator[Shop]:
    """A shop on migrated databases, with a new organization, or with an existing one after a restart.

    Requests come from the network address `source`.
    """
    async with open_runtime(urls.settings(**overrides)) as runtime:
        organization = organization or await seed_organization(runtime, "first")
        transport = httpx.ASGITransport(create_app(runtime), client=(source, 123))
        async with httpx.AsyncClient(transport=transport, base_url="http://patron.test", timeout=60) as client:
            yield Shop(runtime, organization, client)
