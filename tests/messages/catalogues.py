"""Writes the catalogues of messages anew: present messages with their translations, new ones without."""

from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from app.platform.languages import LANGUAGES
from app.platform.translations import FOLDER
from tests.messages.extraction import messages

TRANSLATED = LANGUAGES[1:]


def untranslated(language: str) -> list[str]:
    """The messages that the catalogue of the language has no text for."""
    texts = _texts(language)
    return [message for message in sorted(messages()) if not texts.get(message)]


def written(language: str) -> bytes:
    """The content that the catalogue of a language must have."""
    texts = _texts(language)
    catalogue = Catalog(locale=language)
    for message, use in sorted(messages().items()):
        catalogue.add(message, texts.get(message, ""), locations=[(file, 0) for file in sorted(use.files)])
    buffer = BytesIO()
    write_po(buffer, catalogue, width=120, omit_header=True, include_lineno=False)
    return buffer.getvalue()


def _texts(language: str) -> dict[str, str]:
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id}
