"""The databases of a stopped server, read as an attacker or an auditor would."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.platform.vault import master
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.wrapping import unwrap


class Sealed(NamedTuple):
    """A sealed value of one row."""

    table: str
    row_id: UUID
    customer_id: UUID
    value: bytes


def rows(path: Path, query: str) -> list[Any]:
    """The rows of a query on a SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return list(connection.execute(query))


def copy(path: Path, to: Path) -> None:
    """A backup of a database in use."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def ciphers(keystore: Path, master_key: Path) -> dict[str, DataKeyCipher]:
    """Every key in a key store, of people and of the system, by its id."""
    provider = master.FileKeyProvider(master_key)
    versions = {
        row["version"]: AESGCM(
            unwrap(provider._cipher(row["version"]), row["wrapped"], subject=master.SUBJECT, version=row["version"])
        )
        for row in rows(keystore, "SELECT version, wrapped FROM key_versions WHERE wrapped IS NOT NULL")
    }
    found = {}
    for table, name in (("person_keys", "person_id"), ("system_keys", "id")):
        for row in rows(keystore, f"SELECT {name} AS id, wrapped, master_version FROM {table}"):
            subject = UUID(row["id"]).hex
            version = row["master_version"]
            found[subject] = DataKeyCipher(unwrap(versions[version], row["wrapped"], subject=subject, version=version))
    return found


def sealed(path: Path) -> Iterator[Sealed]:
    """Every value in the main database that is sealed with a customer's key."""
    for table, owner, column, bound in (
        ("customers", "id", "sealed", "customers"),
        ("customers", "id", "sealed_password", "customers.password"),
        ("addresses", "customer_id", "sealed", "addresses"),
        ("payment_methods", "customer_id", "sealed", "payment_methods"),
        ("gateway_customers", "customer_id", "sealed", "gateway_customers"),
        ("login_sessions", "customer_id", "sealed_device", "login_sessions"),
    ):
        query = f"SELECT id, {owner} AS owner, {column} AS value FROM {table} WHERE {column} IS NOT NULL"
        for row in rows(path, query):
            yield Sealed(bound, UUID(row["id"]), UUID(row["owner"]), row["value"])


def opens(one: Sealed, cipher: DataKeyCipher) -> bool:
    """Whether this key opens the value."""
    try:
        cipher.open(one.table, one.row_id, one.value)
    except InvalidTag:
        return False
    return True
