"""Blocks of a document that a program writes, between `<!-- made: NAME -->` and `<!-- end: NAME -->`."""

import re
from collections.abc import Iterator, Sequence

BLOCK = re.compile(r"(?<=<!-- made: )(?P<name>[a-z-]+)( -->\n)(?P<text>.*?)(?=<!-- end: (?P=name) -->)", re.DOTALL)
COMMANDS = re.compile(r"<!-- run: (?P<name>[a-z-]+) -->\n```sh\n(?P<text>.*?)```", re.DOTALL)


def names(document: str) -> list[str]:
    """The names of the blocks in a document."""
    return [found["name"] for found in BLOCK.finditer(document)]


def block(document: str, name: str) -> str:
    """The text of one block."""
    return next(found["text"] for found in BLOCK.finditer(document) if found["name"] == name)


def with_block(document: str, name: str, text: str) -> str:
    """The document with another text in one block."""
    return BLOCK.sub(lambda found: f"{name}{found[2]}{text}" if found["name"] == name else found[0], document)


def commands(document: str) -> Iterator[tuple[str, str]]:
    """Name and text of each block of commands that a test runs."""
    yield from ((found["name"], found["text"]) for found in COMMANDS.finditer(document))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def cells(markdown_table: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in markdown_table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]
