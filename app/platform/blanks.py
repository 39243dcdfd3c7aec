"""Characters of a text that count as nothing, and those that no database stores."""

import re

# Zero-width spaces and joiners, byte order mark, soft hyphen, and the marks of direction that phones and spreadsheets
# put around what is copied. Not the tags of Unicode: some flags end with them.
INVISIBLE = r"\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
INVISIBLE_CHARACTER = re.compile(f"[{INVISIBLE}]")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
AROUND = re.compile(rf"\A[{INVISIBLE}]+|[{INVISIBLE}]+\Z")


def is_storable(text: str) -> bool:
    """Whether a database can hold this at all: PostgreSQL has no text with a zero character or a lone surrogate."""
    return UNSTORABLE.search(text) is None


def without_blanks(raw: str) -> str:
    """`raw` without white space and invisible characters at both ends."""
    return AROUND.sub("", raw)


def is_blank(raw: object) -> bool:
    """Whether this is null, or a text in which nothing can be seen."""
    return raw is None or (isinstance(raw, str) and not without_blanks(raw))
