"""Unicode normalization of passwords, so that the same password typed on two keyboards has the same bytes."""

import unicodedata

MAX_LENGTH = 128
# Normalization may shorten a text (a combining accent is a character of its own), but hardly ever to a quarter. The
# bound avoids normalizing megabytes.
MAX_INPUT_LENGTH = MAX_LENGTH * 4


def normal_form(password: str) -> str | None:
    """`password` in Unicode form NFKC, or None when it has more than 128 characters.

    NIST SP 800-63B (revision 3, 5.1.1.2) asks for NFKC or NFKD before hashing, one character for each code point, and
    no truncation. Strength rules and new hashes use this form only. Case and spaces are preserved.
    """
    if len(password) > MAX_INPUT_LENGTH:
        return None
    normal = unicodedata.normalize("NFKC", password)
    return normal if len(normal) <= MAX_LENGTH else None


def is_same(password: str, confirmation: str | None) -> bool:
    """Whether both are one password: two keyboards may write an accent as one character or as two."""
    if confirmation is None or password == confirmation:
        return confirmation is not None
    normal = normal_form(password)
    return normal is not None and normal == normal_form(confirmation)


def encode(text: str) -> bytes:
    """The bytes to hash: UTF-8. Never raises: JSON may carry a lone surrogate, which is encoded too."""
    return text.encode("utf-8", "surrogatepass")


def candidate_encodings(password: str) -> list[bytes]:
    """The encodings of `password` that a stored hash may be of, the normal form first; empty when it is too long.

    Other systems hash the password as typed, so an imported hash may match only that. For a password in ASCII both are
    the same and the list has one entry.
    """
    normal = normal_form(password)
    return [] if normal is None else list(dict.fromkeys((encode(normal), encode(password))))
