"""The master key: its newest version wraps data keys, all its versions unwrap them."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class MasterKeyError(Exception):
    """The master key is absent, malformed, or not the one that wrapped a key."""


class MasterKey:
    """Wraps and unwraps keys with AES-256-GCM (NIST SP 800-38D); the newest version wraps."""

    def __init__(self, versions: Mapping[int, bytes]) -> None:
        """Take 32-byte keys by version number, at least one; raise `MasterKeyError` otherwise."""
        if not versions or any(len(key) != KEY_BYTES for key in versions.values()):
            message = (
                "The master key has no version, or one that is not 32 bytes long. Make one with `patron keys generate`."
            )
            raise MasterKeyError(message)
        self._ciphers = {version: AESGCM(key) for version, key in versions.items()}
        self.version = max(versions)

    def has_version(self, version: int) -> bool:
        """Whether this version can unwrap."""
        return version in self._ciphers

    def wrap(self, key: bytes, *, subject: str) -> bytes:
        """Wrap `key` for `subject`: it cannot be unwrapped as the key of anything else."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[self.version].encrypt(nonce, key, _associated_data(subject, self.version))

    def unwrap(self, wrapped: bytes, *, subject: str, version: int) -> bytes:
        """The key that this version wrapped for `subject`; raise `MasterKeyError` for a wrong or missing version."""
        cipher = self._ciphers.get(version)
        if cipher is None:
            message = f"Version {version} of the master key is needed and not there."
            raise MasterKeyError(message)
        try:
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _associated_data(subject, version))
        except InvalidTag:
            message = f"Version {version} of the master key is not the one that wrapped {subject}."
            raise MasterKeyError(message) from None


def _associated_data(subject: str, version: int) -> bytes:
    return f"{subject}|{version}".encode()


def generate() -> str:
    """A new key: 32 random bytes, in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def parse(text: str) -> MasterKey:
    """Parse lines (or comma-separated items) of the form `version:base64`; `#` starts a comment.

    Raise `MasterKeyError` when a line has another form.
    """
    return MasterKey(_versions(text))


def _versions(text: str) -> dict[int, bytes]:
    lines = [line.split("#")[0].strip() for line in text.replace(",", "\n").splitlines()]
    try:
        pairs = [line.split(":", 1) for line in lines if line]
        return {int(version): base64.b64decode(key, validate=True) for version, key in pairs}
    except ValueError:
        message = "Each line of the master key has the form `version:base64 of 32 bytes`."
        raise MasterKeyError(message) from None


def read_file(path: Path, *, create: bool = False) -> MasterKey:
    """The master key in the file `path` (mode 600); with `create`, a missing file is created with a new key."""
    if create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, f"1:{generate()}\n")
    try:
        return parse(path.read_text())
    except FileNotFoundError:
        message = (
            f"There is no master key in {path}. Make one with `patron keys generate > {path}` and set its mode to 600."
        )
        raise MasterKeyError(message) from None


def add_version(path: Path) -> MasterKey:
    """Add a new version to the file `path`. Old versions stay: what they wrapped must still be unwrapped."""
    text = path.read_text()
    version = max(_versions(text)) + 1
    _write(path, f"{text.rstrip()}\n{version}:{generate()}\n")
    return parse(path.read_text())


def _write(path: Path, text: str) -> None:
    # Write a temporary file and rename it: a crash leaves the old key or the new one, never a partial file.
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def master_key_loader(*, text: str = "", path: Path | None = None, create: bool = False) -> Callable[[], MasterKey]:
    """A function that reads the master key at every call: from `text`, or else from the file `path`."""
    if text:
        return lambda: parse(text)
    if path is None:
        message = "There is no master key. Make one with `patron keys generate`."
        raise MasterKeyError(message)
    return lambda: read_file(path, create=create)
