"""The demo organization of a development server, and the file with its credentials."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.oauth.assertions import JWT_BEARER
from app.accounts.oauth.endpoint import TOKEN_PATH
from app.accounts.organizations import repository as organizations
from app.accounts.organizations.service import ClientKind, add_client, add_organization
from app.accounts.organizations.tables import ApiClient, Organization
from app.identity.staff import repository as staff
from app.platform.clock import now
from app.platform.principal import Scope
from app.platform.values import EmailAddress
from app.server.runtime import Runtime

SLUG = "demo"
CLIENT_NAMES = ("Demo storefront", "Demo back office")
STAFF_EMAIL = "sam@demo.example.org"


async def ensure_demo(runtime: Runtime, endpoint: str) -> bool:
    """Create the demo organization and its clients on the first start; return whether they were created now."""
    path = runtime.settings.var_dir / "demo.json"
    if path.exists():
        _update_endpoint(path, endpoint)
        return False
    key_file = runtime.settings.var_dir / "demo-client.pem"
    public_key = _generate_key(key_file)
    async with runtime.store.database.transaction() as session:
        organization_id = await _organization(session)
        vault = runtime.store.vault
        storefront = add_client(
            session, vault, organization_id=organization_id, kind=ClientKind.PUBLISHABLE, name=CLIENT_NAMES[0]
        )
        integration = add_client(
            session,
            vault,
            organization_id=organization_id,
            kind=ClientKind.CONFIDENTIAL,
            name=CLIENT_NAMES[1],
            scopes=frozenset(Scope),
            public_key=public_key,
        )
        staff_id = await _staff(runtime, session, organization_id)
    demo = {
        "endpoint": endpoint,
        "organization": SLUG,
        "publishableKey": storefront.key,
        "publishableClientId": str(storefront.id),
        "clientId": str(integration.id),
        "clientSecret": integration.key,
        "clientKeyFile": str(key_file.resolve()),
        "staffId": str(staff_id),
        "staffEmail": STAFF_EMAIL,
    }
    _write_secret(path, json.dumps(demo, indent=2) + "\n")
    return True


async def refuse_demo_clients(runtime: Runtime) -> None:
    """Raise `DemoInProduction` while a client of the demo can be used: its secret lies in a file of development."""
    statement = (
        select(ApiClient.id)
        .join(Organization, col(Organization.id) == col(ApiClient.organization_id))
        .where(Organization.slug == SLUG, col(ApiClient.name).in_(CLIENT_NAMES), col(ApiClient.revoked_at).is_(None))
    )
    async with runtime.store.database.transaction() as session:
        found = (await session.exec(statement)).all()
    if found:
        commands = " and ".join(f"`patron clients remove {SLUG} {client_id}`" for client_id in found)
        raise DemoInProduction(
            f"This database has the demo's API clients, whose secrets are in demo.json. Run {commands}, "
            "or begin with an empty database."
        )


class DemoInProduction(Exception):
    """A database of development is to be served in production."""


async def _organization(session: AsyncSession) -> UUID:
    organization = (await session.exec(select(Organization).where(col(Organization.slug) == SLUG))).first()
    if organization is None:
        settings = {"require_verified_email": False}
        # Another organization may be the default already; there is one at most.
        is_default = await organizations.default(session) is None
        organization = add_organization(session, slug=SLUG, name="Demo shop", settings=settings, is_default=is_default)
        await session.flush()
    return organization.id


async def _staff(runtime: Runtime, session: AsyncSession, organization_id: UUID) -> UUID:
    email = EmailAddress.parse(STAFF_EMAIL)
    # It exists when an earlier first start was killed before it wrote the file.
    staff_id = await staff.id_by_email(runtime.store, organization_id=organization_id, email=email)
    return staff_id or await staff.add(
        session,
        runtime.store.vault,
        organization_id=organization_id,
        email=email,
        first_name="Sam",
        last_name="Staff",
    )


def _generate_key(path: Path) -> str:
    private = Ed25519PrivateKey.generate()
    _write_secret(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _write_secret(path: Path, text: str) -> None:
    # Write a temporary file and rename it: a killed start leaves no file, or a complete one.
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def _update_endpoint(path: Path, endpoint: str) -> None:
    demo = json.loads(path.read_text())
    if demo["endpoint"] != endpoint:
        _write_secret(path, json.dumps({**demo, "endpoint": endpoint}, indent=2) + "\n")


def staff_token(var_dir: Path, email: str) -> str:
    """An access token of the demo integration on behalf of the staff member, from the real token endpoint.

    Raise `ValueError` when the address is not the demo's staff member, `httpx.HTTPError` when the service does not
    answer or refuses.
    """
    # The server imports this module too, and needs no HTTP client.
    import httpx  # noqa: PLC0415

    demo: dict[str, Any] = json.loads((var_dir / "demo.json").read_text())
    if email.lower() != demo["staffEmail"]:
        message = f"The demo's staff member is {demo['staffEmail']}."
        raise ValueError(message)
    url = demo["endpoint"].removesuffix("/graphql") + TOKEN_PATH
    claims = {
        "iss": demo["clientId"],
        "sub": demo["staffId"],
        "aud": url,
        "exp": now() + timedelta(minutes=2),
        "jti": uuid4().hex,
    }
    assertion = jwt.encode(claims, Path(demo["clientKeyFile"]).read_text(), "EdDSA")
    answer = httpx.post(url, data={"grant_type": JWT_BEARER, "assertion": assertion}, timeout=30)
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token
