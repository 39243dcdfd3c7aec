"""Writes the catalogues of messages; with --check, says what is missing and fails."""

import sys

from app.platform.translations import FOLDER
from tests.messages.catalogues import TRANSLATED, untranslated, written


def main(*, check: bool) -> int:
    """Return the exit code."""
    outdated = False
    for language in TRANSLATED:
        path = FOLDER / f"{language}.po"
        content = written(language)
        if check:
            outdated |= not path.exists() or path.read_bytes() != content
        else:
            path.write_bytes(content)
        for message in untranslated(language):
            outdated = True
            sys.stderr.write(f"{path.name}: no translation of: {message}\n")
    if check and outdated:
        sys.stderr.write("Run scripts/messages, and translate what is missing.\n")
    return int(check and outdated)


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
