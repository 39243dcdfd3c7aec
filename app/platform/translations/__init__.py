"""Messages of errors in the languages of the mails: gettext catalogues, `de.po` and so on, beside this file.

The key of a message is its English text. `scripts/messages` takes the texts out of the code.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent


def translate(message: str, language: str) -> str:
    """The message in the language (ISO 639-1); the English text itself where there is no other."""
    return message if language == "en" else catalogue(language).get(message, message)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The texts of a language by their English ones, read once."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id and one.string and not one.fuzzy}
