"""The forms in which password hashes are stored: our own, and those that accounts bring from elsewhere."""

import hashlib
import re
from typing import Any

from passlib.context import CryptContext  # type: ignore[import-untyped]
from passlib.utils import handlers  # type: ignore[import-untyped]

BCRYPT_MAX_BYTES = 72
MAX_MEMORY_KIB = 131_072
# What takes a core about two seconds. Cost is read from the hash itself: without a ceiling, one imported line could
# occupy a worker for hours at every login.
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
# What the handlers raise for a hash that has the right beginning and a wrong rest.
INVALID_HASH_ERRORS = (ValueError, TypeError, LookupError, NotImplementedError)
OPENCART_PATTERN = re.compile(r"\$opencart\$(?P<salt>.{1,64})\$(?P<digest>[0-9a-fA-F]{40})", re.DOTALL)


class OpenCartSha1(handlers.HasSalt, handlers.GenericHandler):  # type: ignore[misc]
    """Salted SHA-1 of AbanteCart and of OpenCart before 4, written `$opencart$salt$hex`; for import only.

    The digest is `sha1(salt + sha1(salt + sha1(password)))`, hexadecimal at every step, over the password as it left
    these shops' input filter, PHP's `htmlspecialchars` with ENT_COMPAT; some versions undid the filter first. Either
    matches.
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
        """Whether `hash` is of this form, as far as its beginning says."""
        return str(handlers.to_unicode_for_identify(hash)).startswith("$opencart$")

    @classmethod
    def from_string(cls, hash: str | bytes) -> "OpenCartSha1":  # noqa: A002 - passlib's name
        """The parts of `hash`; raise `ValueError` when it is of another form."""
        parts = OPENCART_PATTERN.fullmatch(handlers.to_unicode_for_identify(hash))
        if parts is None:
            raise handlers.exc.InvalidHashError(cls)
        # The salt is whatever the other shop wrote, not only what this handler would make.
        return cls(salt=parts["salt"], checksum=parts["digest"].lower())

    @classmethod
    def _norm_salt(cls, salt: str, relaxed: bool = False) -> str:  # noqa: FBT001, FBT002, ARG003 - passlib's signature
        return salt

    def to_string(self) -> str:
        """The hash in one text."""
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
    """The one text for what AbanteCart and OpenCart keep in the columns `salt` and `password`."""
    return f"$opencart${salt}${digest.lower()}"


def crypt_context(memory_kib: int, iterations: int) -> Any:
    """Everything that can be verified; new hashes are argon2id of one lane with these parameters.

    Whatever is not of exactly these parameters counts as outdated. So a stronger hash is replaced too: what a login
    costs in time and memory is then one number, and does not tell accounts apart.
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
    """Matches the argon2id hashes `context` makes and no other (RFC 9106; PHC string format, canonical base64)."""
    salt, digest = "[A-Za-z0-9+/]{21}[AQgw]", "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]"
    return re.compile(rf"\$argon2id\$v=19\$m={memory_kib},t={iterations},p=1\${salt}\${digest}")


def is_verifiable(parsed: Any) -> bool:
    """Whether `parsed` is a whole hash, and without associated data, which no argon2 library for Python takes."""
    return bool(parsed.checksum) and getattr(parsed, "data", None) is None


def is_affordable(scheme: str, parsed: Any) -> bool:
    """Whether verifying `parsed` stays below about two seconds and 128 MiB."""
    return (
        getattr(parsed, "rounds", 0) <= MAX_ROUNDS.get(scheme, 0)
        and getattr(parsed, "parallelism", 1) <= MAX_PARALLELISM
        and memory_cost_kib(scheme, parsed) <= MAX_MEMORY_KIB
    )


def memory_cost_kib(scheme: str, parsed: Any) -> int:
    """The memory that verifying takes where the form lets it be chosen (argon2: RFC 9106; scrypt: RFC 7914), else 0."""
    if scheme == "argon2":
        return int(parsed.memory_cost)
    if scheme == "scrypt":
        return int(128 * parsed.block_size << parsed.rounds) // 1024
    return 0


def truncate(scheme: str | None, secret: bytes) -> bytes:
    """`secret` as the old system saw it: bcrypt never looked past 72 bytes, and its library refuses any more."""
    return secret[:BCRYPT_MAX_BYTES] if scheme == "bcrypt" else secret
