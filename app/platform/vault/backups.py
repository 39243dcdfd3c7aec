"""Backups of the key store: one consistent, encrypted file for both kinds of databases, and a record that it was made.

file       a line with the format; a line of JSON (version, provider, wrapped key of the file); sealed chunks
chunks     AES-256-GCM with the file's own random key: nonce is the chunk's number, associated data the header and
           whether it is the last one, so a file that was cut, reordered or put together is refused
content    a line of JSON for each row of each table, read in one transaction
key        wrapped by the provider with the current version: a backup cannot be opened once that version is destroyed
"""

import base64
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

import orjson
import sqlmodel
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import DateTime, LargeBinary, Table, Uuid, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.vault.ring import KeyRing
from app.platform.vault.tables import KeystoreBackup, KeyVersion, PersonKey, SystemKey, keystore_metadata
from app.platform.vault.wrapping import KEY_BYTES

FORMAT = b"patron-keystore-1\n"
CHUNK_BYTES = 1 << 18
LENGTH_BYTES = 4
ROWS = 1000


class BadBackup(Exception):
    """The file is no backup, is damaged, or cannot be restored here; the message says which."""


class Backup(NamedTuple):
    """A backup that was written or restored."""

    started_at: datetime
    oldest_version: int
    row_count: int


async def write_backup(keystore: Database, ring: KeyRing, path: Path) -> Backup:
    """Write a new file (mode 600) and record it; raise `FileExistsError` when there is one."""
    await ring.refresh()
    version, key = ring.current, secrets.token_bytes(KEY_BYTES)
    wrapped = await ring.provider.wrap(version, key)
    started_at = now()
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        async with _snapshot(keystore) as connection:
            oldest = await _oldest_version(connection)
            header = {
                "version": version,
                "provider": ring.provider.name,
                "key": base64.b64encode(wrapped).decode(),
                "startedAt": started_at,
                "oldestVersion": oldest,
            }
            writer = _ChunkWriter(file, key, orjson.dumps(header) + b"\n")
            count = 0
            async for table, row in _rows(connection):
                writer.write(orjson.dumps([table.name, [_to_json(value) for value in row]]) + b"\n")
                count += 1
            writer.close()
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").digest()
    async with keystore.transaction() as session:
        session.add(
            KeystoreBackup(
                started_at=started_at, finished_at=now(), oldest_version=oldest, row_count=count, sha256=digest
            )
        )
    return Backup(started_at, oldest, count)


async def restore_backup(keystore: Database, ring: KeyRing, path: Path) -> Backup:
    """Restore a backup into a migrated key store that has no row; all of it, or nothing.

    Raise `BadBackup` for a file that is damaged, `MasterKeyError` when a version it needs was destroyed.
    """
    with path.open("rb") as file:
        header, key_line = _read_header(file)
        key = await ring.provider_named(header["provider"], header["version"]).unwrap(
            header["version"], base64.b64decode(header["key"])
        )
        reader = _ChunkReader(file, key, key_line)
        async with keystore.transaction() as session:
            connection = await session.connection()
            await _refuse_rows(connection)
            count = 0
            for table, rows in _batches(reader.lines()):
                await connection.execute(insert(table), rows)
                count += len(rows)
            await _check_versions(connection, ring)
    return Backup(datetime.fromisoformat(header["startedAt"]), header["oldestVersion"], count)


def _read_header(file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    known, line = file.readline(64) == FORMAT, file.readline(4096)
    try:
        header = orjson.loads(line)
        fields = {name: header[name] for name in ("version", "provider", "key", "startedAt", "oldestVersion")}
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise BadBackup("This is not a backup of a key store.")
    return fields, line


async def _refuse_rows(connection: AsyncConnection) -> None:
    for table in keystore_metadata.sorted_tables:
        if (await connection.execute(select(table).limit(1))).first() is not None:
            raise BadBackup(
                "The key store is not empty. Create a new database, name it in PATRON_KEYSTORE_URL, run "
                "`patron migrate` and restore there."
            )


async def _check_versions(connection: AsyncConnection, ring: KeyRing) -> None:
    """Refuse a backup whose keys cannot be opened any more, before it is committed."""
    needed = select(PersonKey.master_version).union(select(SystemKey.master_version))  # type: ignore[call-overload]
    for (version,) in (await connection.execute(needed)).all():
        row = (await connection.execute(select(KeyVersion).where(col(KeyVersion.version) == version))).first()
        if row is None or row.wrapped is None:
            raise BadBackup(f"The backup has keys of version {version}, and not the version itself.")
        await ring.provider_named(row.provider, version).unwrap(version, row.wrapped)


class _ChunkWriter:
    def __init__(self, file: BinaryIO, key: bytes, header: bytes) -> None:
        file.write(FORMAT + header)
        self._file, self._cipher, self._header = file, AESGCM(key), header
        self._number, self._pending = 0, bytearray()

    def write(self, line: bytes) -> None:
        self._pending += line
        if len(self._pending) >= CHUNK_BYTES:
            self._seal(last=False)

    def close(self) -> None:
        self._seal(last=True)

    def _seal(self, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number), bytes(self._pending), _associated(self._header, last=last))
        self._file.write(len(sealed).to_bytes(LENGTH_BYTES, "big") + sealed)
        self._number += 1
        self._pending.clear()


class _ChunkReader:
    def __init__(self, file: BinaryIO, key: bytes, header: bytes) -> None:
        self._file, self._cipher, self._header = file, AESGCM(key), header

    def lines(self) -> Iterator[bytes]:
        """The lines of all chunks; raise `BadBackup` unless the last one is there and whole."""
        number, length = 0, self._length()
        while length:
            sealed, next_length = self._file.read(length), self._length()
            if len(sealed) != length:
                raise _damaged()
            associated = _associated(self._header, last=not next_length)
            try:
                yield from self._cipher.decrypt(_nonce(number), sealed, associated).splitlines()
            except InvalidTag:
                raise _damaged() from None
            number, length = number + 1, next_length
        if not number:
            raise _damaged()

    def _length(self) -> int:
        prefix = self._file.read(LENGTH_BYTES)
        if len(prefix) not in {0, LENGTH_BYTES}:
            raise _damaged()
        return int.from_bytes(prefix, "big")


def _damaged() -> BadBackup:
    return BadBackup("The backup is damaged or not complete: nothing was restored.")


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _associated(header: bytes, *, last: bool) -> bytes:
    return header + (b"last" if last else b"more")


@asynccontextmanager
async def _snapshot(keystore: Database) -> AsyncIterator[AsyncConnection]:
    """A connection whose reads all see one moment. On SQLite it keeps writers waiting."""
    async with keystore.engine.connect() as connection:
        if not keystore.embedded:
            await connection.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            yield connection


async def _oldest_version(connection: AsyncConnection) -> int:
    found = [
        (await connection.execute(select(func.min(table.master_version)))).scalar() for table in (PersonKey, SystemKey)
    ]
    return min(version for version in found if version is not None)


async def _rows(connection: AsyncConnection) -> AsyncIterator[tuple[Table, Any]]:
    for table in keystore_metadata.sorted_tables:
        async with connection.stream(select(table).execution_options(yield_per=ROWS)) as result:
            async for row in result:
                yield table, row


def _batches(lines: Iterator[bytes]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Rows of one table at a time, at most 1,000."""
    current, rows = "", list[dict[str, Any]]()
    for line in lines:
        name, values = orjson.loads(line)
        if rows and (name != current or len(rows) == ROWS):
            yield keystore_metadata.tables[current], rows
            rows = []
        current = name
        table = keystore_metadata.tables.get(name)
        if table is None or len(table.columns) != len(values):
            raise BadBackup("The backup is of another version of this program.")
        rows.append(
            {column.name: _from_json(column.type, value) for column, value in zip(table.columns, values, strict=True)}
        )
    if rows:
        yield keystore_metadata.tables[current], rows


def _to_json(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _from_json(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    if isinstance(kind, Uuid):
        return UUID(value)
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    return value


async def last_backup(keystore: Database) -> KeystoreBackup | None:
    """The newest recorded backup."""
    async with keystore.transaction() as session:
        newest = sqlmodel.select(KeystoreBackup).order_by(col(KeystoreBackup.started_at).desc()).limit(1)
        return (await session.exec(newest)).first()
