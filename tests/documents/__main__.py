"""Writes the made blocks of all documents; with `--check`, fails unless they are current and say everything."""

import sys
from pathlib import Path

from tests.documents.blocks import block, names, with_block
from tests.documents.makers import MAKERS, ROOT, Undescribed

TO_DO = "TODO"


def documents() -> list[Path]:
    """All documents that may have made blocks."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def made(document: str) -> str:
    """The document with its blocks as the code has them now."""
    for name in names(document):
        document = with_block(document, name, MAKERS[name](block(document, name)))
    return document


def main(*, check: bool) -> list[str]:
    """Write the documents, or with `check` only look; return what is wrong."""
    problems = []
    for path in documents():
        before = path.read_text()
        after = made(before)
        name = path.relative_to(ROOT).as_posix()
        problems += [f"{name}: say it in words: {line}" for line in after.splitlines() if line.endswith(f"{TO_DO} |")]
        if check and after != before:
            problems.append(f"{name}: run scripts/docs, as it is not what the code says any more.")
        elif after != before:
            path.write_text(after)
    return problems


if __name__ == "__main__":
    try:
        found = main(check="--check" in sys.argv[1:])
    except Undescribed as undescribed:
        found = [str(undescribed)]
    if found:
        sys.exit("\n".join(found))
