"""Password hash formats: argon2id for new hashes, and the formats of other systems that imported accounts have."""

import hashlib
import re
from typing import Any

from passlib.context import CryptContext  # type: ignore[import-untyped]
from passlib.utils import handlers  # type: ignore[import-untyped]

BCRYPT_MAX_BYTES = 72
MAX_MEMORY_KIB = 131_072
# Each takes one core about two seconds. The cost is part of the hash itself: without a limit, one imported hash could
# occupy a thread for hours at every login.
MAX_ROUNDS = {
    "argon2": 32,
    "bcrypt": 15,
    "bcrypt_sha256": 15,
    "pbkdf2_sha256": 4_000_000,
    "pbkdf2_sha512": 2_000_000,
    "django_pbkdf2_sha256": 4_000_000,
    "scrypt": 20,
    "phpass": 17,
}
MAX_PARALLELISM = 16
# What passlib's handlers raise for a hash with a known prefix and a malformed rest.
INVALID_HASH_ERRORS = (ValueError, TypeError, LookupError, NotImplementedError)
OPENCART_PATTERN = re.compile(r"\$opencart\$(?P<salt>.{1,64})\$(?P<digest>[0-9a-fA-F]{40})", re.DOTALL)


class OpenCartSha1(handlers.HasSalt, handlers.GenericHandler):  # type: ignore[misc]
    """Salted SHA-1 of AbanteCart and of OpenCart before 4, written `$opencart$salt$hex`; for import only.

    The digest is `sha1(salt + sha1(salt + sha1(password)))`, hexadecimal at every step. These shops escape the password
    with PHP's `htmlspecialchars` (ENT_COMPAT) before hashing it; some versions undo that first. Both variants match.
    """

    name = "opencart_sha1"
    setting_kwds = ("salt",)
    checksum_chars = handlers.LOWER_HEX_CHARS
    checksum_size = 40
    min_salt_size = 1
    max_salt_size = 64
    default_salt_size = 9
    salt_chars = handlers.HASH64_CHARS

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002 - passlib's name
        """Whether `hash` has the prefix of this format."""
        return str(handlers.to_unicode_for_identify(hash)).startswith("$opencart$")

    @classmethod
    def from_string(cls, hash: str | bytes) -> "OpenCartSha1":  # noqa: A002 - passlib's name
        """The parsed `hash`; raise `ValueError` when it has another format."""
        parts = OPENCART_PATTERN.fullmatch(handlers.to_unicode_for_identify(hash))
        if parts is None:
            raise handlers.exc.InvalidHashError(cls)
        # The other shop's salts may have lengths and characters that this handler would not generate.
        return cls(salt=parts["salt"], checksum=parts["digest"].lower())

    @classmethod
    def _norm_salt(cls, salt: str, relaxed: bool = False) -> str:  # noqa: FBT001, FBT002, ARG003 - passlib's signature
        return salt

    def to_string(self) -> str:
        """The hash as one string."""
        return opencart_hash(self.salt, self.checksum)

    def _calc_checksum(self, secret: str | bytes) -> str:
        raw = secret.encode() if isinstance(secret, str) else secret
        filtered = self._digest(_html_escaped(raw))
        return filtered if filtered == self.checksum else self._digest(raw)

    def _digest(self, secret: bytes) -> str:
        salt = self.salt.encode()
        digest = hashlib.sha1(secret, usedforsecurity=False).hexdigest()
        for _ in range(2):
            digest = hashlib.sha1(salt + digest.encode(), usedforsecurity=False).hexdigest()
        return digest


def _html_escaped(text: bytes) -> bytes:
    for character, entity in ((b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;"), (b'"', b"&quot;")):
        text = text.replace(character, entity)
    return text


def opencart_hash(salt: str, digest: str) -> str:
    """The hash as one string, from the columns `salt` and `password` of AbanteCart and OpenCart."""
    return f"$opencart${salt}${digest.lower()}"


def crypt_context(memory_kib: int, iterations: int) -> Any:
    """A passlib context that verifies every supported format and makes argon2id hashes with these parameters.

    Parallelism is one lane. A hash with any other parameters counts as outdated, a stronger one too: every login then
    costs the same time and memory, and the cost does not distinguish accounts.
    """
    schemes = ["argon2", *(name for name in MAX_ROUNDS if name != "argon2"), "ldap_salted_sha1", OpenCartSha1]
    return CryptContext(
        schemes,
        deprecated="auto",
        argon2__type="ID",
        argon2__memory_cost=memory_kib,
        argon2__rounds=iterations,
        argon2__parallelism=1,
        argon2__salt_size=16,
        argon2__digest_size=32,
    )


def argon2_pattern(memory_kib: int, iterations: int) -> re.Pattern[str]:
    """Matches only the argon2id hashes that `crypt_context` makes (RFC 9106; PHC string format, canonical base64)."""
    salt, digest = "[A-Za-z0-9+/]{21}[AQgw]", "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]"
    return re.compile(rf"\$argon2id\$v=19\$m={memory_kib},t={iterations},p=1\${salt}\${digest}")


def is_verifiable(parsed: Any) -> bool:
    """Whether `parsed` has a digest and no associated data, which no argon2 library for Python supports."""
    return bool(parsed.checksum) and getattr(parsed, "data", None) is None


def is_affordable(scheme: str, parsed: Any) -> bool:
    """Whether verifying `parsed` stays below about two seconds and 128 MiB."""
    return (
        getattr(parsed, "rounds", 0) <= MAX_ROUNDS.get(scheme, 0)
        and getattr(parsed, "parallelism", 1) <= MAX_PARALLELISM
        and memory_cost_kib(scheme, parsed) <= MAX_MEMORY_KIB
    )


def memory_cost_kib(scheme: str, parsed: Any) -> int:
    """The memory in KiB that verifying takes, for formats with a memory parameter (RFC 9106, RFC 7914); otherwise 0."""
    if scheme == "argon2":
        return int(parsed.memory_cost)
    if scheme == "scrypt":
        return int(128 * parsed.block_size << parsed.rounds) // 1024
    return 0


def truncate(scheme: str | None, secret: bytes) -> bytes:
    """`secret` as the format uses it: bcrypt ignores everything after 72 bytes, and its library refuses more."""
    return secret[:BCRYPT_MAX_BYTES] if scheme == "bcrypt" else secret
