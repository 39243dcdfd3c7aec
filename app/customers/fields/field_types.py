"""Types of form fields, options, and the choice of a label by language."""

from dataclasses import dataclass
from enum import Enum


class FieldType(Enum):
    """The type of a field; the names follow the `type` of an HTML input."""

    TEXT = "TEXT"
    EMAIL = "EMAIL"
    PASSWORD = "PASSWORD"
    TEL = "TEL"
    URL = "URL"
    NUMBER = "NUMBER"
    DATE = "DATE"
    CHECKBOX = "CHECKBOX"
    SELECT = "SELECT"


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values of a SELECT, with its label in each language."""

    value: str
    labels: dict[str, str]


def localized_label(labels: dict[str, str], locale: str | None, fallback: str) -> str:
    """The label for a locale such as `de-CH`: in it, in its language, in English, any, or else `fallback`."""
    wanted = locale or "en"
    # Lookup as in RFC 4647, section 3.4: de-CH-1996, de-CH, de.
    while wanted:
        if wanted in labels:
            return labels[wanted]
        wanted = wanted.rpartition("-")[0]
    for language in ((locale or "en").partition("-")[0].lower(), "en"):
        if language in labels:
            return labels[language]
    return next(iter(labels.values()), fallback)
