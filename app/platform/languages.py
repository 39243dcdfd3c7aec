"""The languages of texts for people (mails, pages, messages of errors), and the choice among them."""

LANGUAGES = ("en", "de", "fr", "it", "es")
"""ISO 639-1; English first: it is used where no other one fits."""


def language_of(locale: str | None) -> str:
    """The language of a locale (BCP 47, such as `de-CH`) if there are texts in it, else English."""
    language = (locale or "").partition("-")[0].lower()
    return language if language in LANGUAGES else LANGUAGES[0]


def preferred_language(accepted: str) -> str | None:
    """The language of the highest quality in an `Accept-Language` header (RFC 9110) that there are texts in.

    None when there is none, or the header allows any (`*`) before one of them.
    """
    ranges = [_parse_range(part) for part in accepted.split(",")]
    for name, quality in sorted(ranges, key=lambda one: -one[1]):
        if quality > 0 and name in LANGUAGES:
            return name
        if name == "*":
            break
    return None


def _parse_range(part: str) -> tuple[str, float]:
    name, *parameters = (one.strip().lower() for one in part.split(";"))
    quality = next((one.removeprefix("q=") for one in parameters if one.startswith("q=")), "1")
    try:
        return name.partition("-")[0], float(quality)
    except ValueError:
        return name.partition("-")[0], 0.0
