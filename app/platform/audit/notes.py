"""Signed notes and checkpoints, as C2SP's `signed-note` and `tlog-checkpoint` define them, with Ed25519."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.platform.audit.merkle import HASH_BYTES

ED25519 = b"\x01"
DASH = "— "
PROOF_HEADER = "c2sp.org/tlog-proof@v1"


class BadNote(Exception):
    """The note is malformed, or not signed with this key."""


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A key name and the public key that verifies its signatures."""

    name: str
    public: Ed25519PublicKey

    @property
    def _encoded(self) -> bytes:
        return ED25519 + self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a signature."""
        return sha256(self.name.encode() + b"\n" + self._encoded).digest()[:4]

    def __str__(self) -> str:
        """The verifier key as Go's `note.NewVerifier` reads it: `name+id+key`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._encoded).decode()}"

    def text(self, note: str) -> str:
        """The text of a note that is signed with this key; raise `BadNote` otherwise. Other signatures are ignored."""
        text, separator, signatures = note.rpartition("\n\n")
        if not separator or not signatures.endswith("\n"):
            raise BadNote
        text += "\n"
        for line in signatures.splitlines():
            name, _, encoded = line.removeprefix(DASH).partition(" ")
            signature = _decode(encoded)
            if line.startswith(DASH) and name == self.name and signature[:4] == self.key_id:
                try:
                    self.public.verify(signature[4:], text.encode())
                except InvalidSignature:
                    raise BadNote from None
                return text
        raise BadNote


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A key name and the private key that signs for it."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> NoteVerifier:
        """The public half."""
        return NoteVerifier(self.name, self.private.public_key())

    def sign(self, text: str) -> str:
        """The note: the text, which ends with a newline, an empty line, and the signature."""
        signature = self.verifier.key_id + self.private.sign(text.encode())
        return f"{text}\n{DASH}{self.name} {base64.b64encode(signature).decode()}\n"


class TreeHead(NamedTuple):
    """What a checkpoint says: the log, the number of its leaves and the root of its tree."""

    origin: str
    size: int
    root: bytes

    def sign(self, signer: NoteSigner) -> str:
        """The checkpoint."""
        return signer.sign(f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n")


def open_checkpoint(note: str, verifier: NoteVerifier) -> TreeHead:
    """The content of a checkpoint; raise `BadNote` unless the log named by the verifier signed it."""
    origin, size, root, *_ = [*verifier.text(note).split("\n"), "", ""]
    if origin != verifier.name or not size.isdecimal() or str(int(size)) != size or len(_decode(root)) != HASH_BYTES:
        raise BadNote
    return TreeHead(origin, int(size), _decode(root))


def inclusion_proof(index: int, hashes: Sequence[bytes], checkpoint: str) -> str:
    """A proof in the text format of C2SP's `tlog-proof`, for a file with the suffix `.tlog-proof`."""
    lines = [PROOF_HEADER, f"index {index}", *(base64.b64encode(one).decode() for one in hashes)]
    return "\n".join(lines) + f"\n\n{checkpoint}"


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote from None
