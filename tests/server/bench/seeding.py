"""A thousand customers to measure with, each with three addresses and two payment methods."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from app.accounts.organizations.callers import key_hash
from app.accounts.organizations.service import ClientKind, add_client, add_organization
from app.customers import identifiers, versions
from app.customers.addresses.records import TABLE as ADDRESSES
from app.customers.addresses.records import AddressDetails
from app.customers.addresses.tables import Address
from app.customers.identifiers import IdentifierKind
from app.customers.payment_methods.records import TABLE as PAYMENT_METHODS
from app.customers.payment_methods.records import PaymentMethodDetails
from app.customers.payment_methods.repository import token_hash
from app.customers.payment_methods.tables import PaymentMethod
from app.customers.records import CustomerDetails
from app.identity.passwords.hashing import PasswordHasher
from app.identity.sessions.service import LoginSessions
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.settings import Settings
from app.platform.vault import master
from app.platform.vault.sealing import DataKeyCipher
from app.server.runtime import Runtime, open_runtime
from tests.postgres import database as on_server
from tests.postgres import execute
from tests.shop import PASSWORD

SIGNED_IN = 100
AT_ONCE = 100
A_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A customer with a session."""

    id: UUID
    email: str
    session_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class SeededDatabase:
    """The key and the customers of the seeded databases."""

    organization_id: UUID
    key: str
    key_hash: bytes
    people: list[SignedIn]


async def make_databases(server_url: str, folder: Path, *, name: str = "patron_bench", **overrides: object) -> Settings:
    """New databases on the server, and production-like settings for a runtime on them."""
    urls = {}
    for line in ("main", "keystore"):
        await execute(server_url, f"DROP DATABASE IF EXISTS {name}_{line} WITH (FORCE)")
        await execute(server_url, f"CREATE DATABASE {name}_{line}")
        urls[line] = SecretStr(on_server(server_url, f"{name}_{line}"))
    chosen: dict[str, Any] = {
        "database_url": urls["main"],
        "keystore_url": urls["keystore"],
        "var_dir": folder,
        "public_url": "http://patron.test",
        "master_key": SecretStr(f"1:{master.generate()}"),
        "access_token_lifetime": A_DAY,
        "embedded_worker": False,
        # All requests come from one address.
        "rate_limit_scale": 1e6,
        **overrides,
    }
    return Settings(**chosen)


async def seed(settings: Settings, people: int) -> SeededDatabase:
    """Migrate, and write that many customers through the repositories; the first hundred have sessions."""
    async with open_runtime(settings, migrating=True) as runtime:
        organization_id, key = await _add_organization(runtime)
        password = await runtime.services.get(PasswordHasher).hash(PASSWORD)
        signed_in: list[SignedIn] = []
        for first in range(0, people, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, people))
            signed_in += await _seed_batch(runtime, organization_id, numbers, password)
        return SeededDatabase(organization_id, key, key_hash(runtime.store, key), signed_in)


async def _add_organization(runtime: Runtime) -> tuple[UUID, str]:
    async with runtime.store.database.transaction() as session:
        organization = add_organization(
            session, slug="bench", name="Bench", settings={"require_verified_email": False}, is_default=True
        )
        await session.flush()
        client = add_client(
            session,
            runtime.store.vault,
            organization_id=organization.id,
            kind=ClientKind.PUBLISHABLE,
            name="Storefront",
        )
    return organization.id, client.key


async def _seed_batch(runtime: Runtime, organization_id: UUID, numbers: range, password_hash: str) -> list[SignedIn]:
    vault = runtime.store.vault
    sessions = runtime.services.get(LoginSessions)
    signed_in = []
    async with runtime.store.database.transaction() as session:
        for number in numbers:
            email = f"person{number}@example.org"
            customer = await versions.insert_customer(
                session,
                vault,
                organization_id=organization_id,
                personal=_personal(number, email),
                password_hash=password_hash,
            )
            await identifiers.assign_if_free(
                session,
                vault,
                organization_id=organization_id,
                kind=IdentifierKind.EMAIL,
                canonical=email,
                owner=customer.id,
            )
            cipher = await vault.cipher(customer.id)
            session.add_all(_address(organization_id, customer.id, cipher, index) for index in range(3))
            session.add_all(
                _payment_method(runtime, organization_id, customer.id, cipher, index, number) for index in range(2)
            )
            if number < SIGNED_IN:
                session_id, tokens = await sessions.start_for_customer(
                    session, organization_id=organization_id, customer_id=customer.id, user_agent="bench"
                )
                signed_in.append(SignedIn(customer.id, email, session_id, tokens.access_token))
    return signed_in


def _personal(number: int, email: str) -> CustomerDetails:
    return CustomerDetails(
        email=email,
        first_name=f"Ann{number}",
        last_name="Archer",
        phone="+41446681800",
        company="Archer and Daughters",
        birth_date="1980-02-29",
        locale="de-CH",
    )


def _address(organization_id: UUID, customer_id: UUID, cipher: DataKeyCipher, index: int) -> Address:
    row_id, moment = new_id(), now()
    personal = AddressDetails(
        first_name="Ann",
        last_name="Archer",
        company="Archer and Daughters" if index else None,
        line1=f"Bahnhofstrasse {index + 1}",
        line2="Rear house" if index else None,
        city="Zürich",
        postal_code="8001",
        zone="ZH",
        phone="+41446681800",
    )
    return Address(
        id=row_id,
        organization_id=organization_id,
        customer_id=customer_id,
        country_code="CH",
        sealed=cipher.seal(ADDRESSES, row_id, personal),
        is_default_shipping=index == 0,
        is_default_billing=index == 0,
        created_at=moment,
        updated_at=moment,
    )


def _payment_method(
    runtime: Runtime, organization_id: UUID, customer_id: UUID, cipher: DataKeyCipher, index: int, number: int
) -> PaymentMethod:
    row_id, moment = new_id(), now()
    token = f"pm_{number}_{index}"
    details = PaymentMethodDetails(
        token=token, brand="visa", last4="4242", expiry_month=12, expiry_year=2040, funding="credit"
    )
    return PaymentMethod(
        id=row_id,
        organization_id=organization_id,
        customer_id=customer_id,
        gateway="sandbox",
        type="CARD",
        token_hash=token_hash(runtime.store.vault, "sandbox", token),
        sealed=cipher.seal(PAYMENT_METHODS, row_id, details),
        is_default=index == 0,
        created_at=moment,
        updated_at=moment,
    )
