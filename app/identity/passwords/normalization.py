"""One spelling for what a person types as the same password on two keyboards."""

import unicodedata

MAX_LENGTH = 128
# Normalising may shorten a text (an accent typed apart takes two characters), hardly ever to a quarter. The bound
# keeps the work for a text of megabytes at nothing.
MAX_INPUT_LENGTH = MAX_LENGTH * 4


def normal_form(password: str) -> str | None:
    """`password` in Unicode form NFKC, or None when it has more than 128 characters.

    NIST SP 800-63B (revision 3, 5.1.1.2) asks for NFKC or NFKD before hashing, one character for each code point, and
    no truncation. Strength is judged, and hashes are made, of this form alone. Case and blanks stay as they were typed.
    """
    if len(password) > MAX_INPUT_LENGTH:
        return None
    normal = unicodedata.normalize("NFKC", password)
    return normal if len(normal) <= MAX_LENGTH else None


def encode(text: str) -> bytes:
    """The bytes that are hashed: UTF-8, and never a failure (JSON can carry half a surrogate pair)."""
    return text.encode("utf-8", "surrogatepass")


def candidate_encodings(password: str) -> list[bytes]:
    """The bytes a hash of `password` may have been made of, the normal form first; none when it is too long.

    Other systems hash what was typed, so an imported hash may match only that. Both are the same, and the list has
    one entry, for every password in ASCII.
    """
    normal = normal_form(password)
    return [] if normal is None else list(dict.fromkeys((encode(normal), encode(password))))
