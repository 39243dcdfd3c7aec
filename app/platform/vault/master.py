"""The local key provider: master keys in a file (mode 600) or in a setting, a line `version:base64` for each."""

import base64
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.platform.vault.providers import MasterKeyError
from app.platform.vault.wrapping import KEY_BYTES, unwrap, wrap

NAME = "local"
SUBJECT = "version-key"


class TextKeyProvider:
    """Master keys from a setting. The operator adds and removes versions; this program cannot."""

    name = NAME
    manages_versions = False

    def __init__(self, text: str) -> None:
        """Parse the text; raise `MasterKeyError` when it has another form."""
        self._keys = parse(text)

    async def versions(self) -> frozenset[int]:
        """The versions in the text."""
        return frozenset(self._read())

    async def add(self, version: int) -> None:
        """Accept a version that is there; raise `MasterKeyError` for any other."""
        if version not in self._read():
            message = (
                f"PATRON_MASTER_KEY has no version {version}. Give every process `…,{version}:key` "
                "(make a key with `patron keys generate`), then run this again."
            )
            raise MasterKeyError(message)

    async def wrap(self, version: int, key: bytes) -> bytes:
        """Wrap with the master key of this version."""
        return wrap(self._cipher(version), key, subject=SUBJECT, version=version)

    async def unwrap(self, version: int, wrapped: bytes) -> bytes:
        """Unwrap with the master key of this version."""
        return unwrap(self._cipher(version), wrapped, subject=SUBJECT, version=version)

    async def destroy(self, version: int) -> None:
        """Accept a version that is gone; raise `MasterKeyError` for one that is still there."""
        if version in self._read():
            message = (
                f"PATRON_MASTER_KEY still has version {version}. Take it away from every process and delete every "
                "copy of it, then run this again."
            )
            raise MasterKeyError(message)

    async def close(self) -> None:
        """Nothing is open."""

    def _read(self) -> dict[int, bytes]:
        return self._keys

    def _cipher(self, version: int) -> AESGCM:
        key = self._read().get(version)
        if key is None:
            message = f"Version {version} of the master key is needed and not there."
            raise MasterKeyError(message)
        return AESGCM(key)


class FileKeyProvider(TextKeyProvider):
    """Master keys in a file that only its owner may read. The file is read at every call: it may change meanwhile.

    Processes on several hosts need one file, or copies that have a version before it becomes the current one.
    """

    manages_versions = True

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Use the file `path`; with `create`, a missing file is created with a new key."""
        self._path = path
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(path):
                if not path.exists():
                    _write(path, f"1:{generate()}\n")
        self._read()

    async def add(self, version: int) -> None:
        """Add a line with a new key."""
        with _locked(self._path):
            text = self._text()
            if version not in parse(text):
                _write(self._path, f"{text.rstrip()}\n{version}:{generate()}\n")

    async def destroy(self, version: int) -> None:
        """Remove the line, and overwrite the file that had it.

        A disk may keep the overwritten blocks, and a copy of the file keeps the key: who needs more uses a key
        management service.
        """
        with _locked(self._path):
            lines = self._text().splitlines()
            kept = [line for line in lines if version not in _parse_lines(line)]
            if len(kept) < len(lines):
                with self._path.open("r+b") as old:
                    _write(self._path, "".join(f"{line}\n" for line in kept))
                    old.write(b"#" * os.fstat(old.fileno()).st_size)
                    old.flush()
                    os.fsync(old.fileno())

    def _read(self) -> dict[int, bytes]:
        return parse(self._text())

    def _text(self) -> str:
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode)
            if mode & 0o077:
                message = (
                    f"Others may read the master key in {self._path} (mode {mode:o}). Run `chmod 600 {self._path}`."
                )
                raise MasterKeyError(message)
            return self._path.read_text()
        except (PermissionError, IsADirectoryError, UnicodeDecodeError) as error:
            message = f"The master key in {self._path} cannot be read ({type(error).__name__}): it must be a file."
            raise MasterKeyError(message) from None
        except FileNotFoundError:
            message = (
                f"There is no master key in {self._path}. Make one with `patron keys generate > {self._path}` "
                "and set its mode to 600."
            )
            raise MasterKeyError(message) from None


def parse(text: str) -> dict[int, bytes]:
    """Parse lines (or comma-separated items) of the form `version:base64`; `#` starts a comment.

    Raise `MasterKeyError` when a line has another form, a key another length, or there is none.
    """
    keys = _parse_lines(text)
    if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
        message = (
            "The master key has no version, or one that is not 32 bytes long. Make one with `patron keys generate`."
        )
        raise MasterKeyError(message)
    return keys


def _parse_lines(text: str) -> dict[int, bytes]:
    lines = [line.split("#")[0].strip() for line in text.replace(",", "\n").splitlines()]
    try:
        pairs = [line.split(":", 1) for line in lines if line]
        return {int(version): base64.b64decode(key, validate=True) for version, key in pairs}
    except ValueError:
        message = "Each line of the master key has the form `version:base64 of 32 bytes`."
        raise MasterKeyError(message) from None


def generate() -> str:
    """A new key: 32 random bytes, in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time change the file."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, text: str) -> None:
    # Write a temporary file and rename it: a crash leaves the old key or the new one, never a partial file.
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
