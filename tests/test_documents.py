"""What the documents show works as it stands there, and what they name exists."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import GraphQLError, parse, validate

from app.server.schema import SCHEMA
from tests import postgres
from tests.documents.__main__ import documents
from tests.documents.blocks import commands
from tests.documents.makers import ROOT, command_help
from tests.live_server import Server

DOCUMENTS = documents()
PAGES = [path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")]
README = (ROOT / "README.md").read_text()
CLIENTS = (ROOT / "docs" / "clients.md").read_text()
DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()
READERS = re.compile(
    r"\bfor ((front-end )?developers|maintainers|contributors|operators|data protection officers|those who)"
)
# In the words of each document, programs of the project; everything else in a block is the reader's own shell.
PROGRAM = re.compile(r"(?:^|[\s`(])(?P<path>\.?(?:scripts|app|tests|docs)/[\w./*-]+)")
PATRON = re.compile(r"(?:^|[\s`(/])patron(?P<words>(?: [a-z][a-z-]+)+)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]*)(?:#(?P<heading>[^)]*))?\)")


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


@pytest.mark.parametrize("path", PAGES, ids=names(PAGES))
def test_a_page_names_its_reader_in_its_first_line(path: Path) -> None:
    assert READERS.search(path.read_text().splitlines()[0])


def test_a_decision_has_a_number_of_its_own_and_its_title() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [path.name[:4] for path in decisions]

    assert numbers == [f"{number:04d}" for number in range(1, len(decisions) + 1)]
    titles = [path.read_text().splitlines()[0] for path in decisions]
    assert [title for title, number in zip(titles, numbers, strict=True) if f"# Decision {number}, " not in title] == []


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_links_of_a_document_lead_somewhere(path: Path) -> None:
    broken = [
        found[0]
        for found in LINK.finditer(path.read_text())
        if not _leads_somewhere(path, found["path"], found["heading"])
    ]

    assert broken == []


def _leads_somewhere(path: Path, target: str, heading: str | None) -> bool:
    file = path.parent / target if target else path
    if not file.exists():
        return False
    return heading is None or heading in _headings(file.read_text())


def _headings(document: str) -> set[str]:
    """The anchors of a document's headings, as forges make them."""
    titles = re.findall(r"^#+ (.*)$", document, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_files_and_commands_that_a_document_names_exist(path: Path) -> None:
    text = path.read_text()
    known = command_help()

    assert [name for found in PROGRAM.finditer(text) if not _exists(name := found["path"].rstrip("./"))] == []
    assert [words for found in PATRON.finditer(text) if not _is_command(words := found["words"].split(), known)] == []


def _exists(name: str) -> bool:
    return any(ROOT.glob(name)) or "…" in name


def _is_command(words: list[str], known: dict[str, str]) -> bool:
    """Whether a command begins like this; what follows are its arguments."""
    return any(" ".join(["patron", *words[:count]]) in known for count in (1, 2))


def test_every_operation_is_listed() -> None:
    schema = SCHEMA._schema
    roots = [schema.query_type, schema.mutation_type]

    assert [name for root in roots if root for name in root.fields if f"`{name}`" not in CLIENTS] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_graphql_that_a_document_shows_fits_the_schema(path: Path) -> None:
    errors: list[GraphQLError] = []
    for block in re.findall(r"```graphql\n(.*?)```", path.read_text(), re.DOTALL):
        errors += validate(SCHEMA._schema, parse(block))

    assert errors == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_pictures_have_no_semicolon_which_would_end_a_line_of_them(path: Path) -> None:
    pictures = re.findall(r"```mermaid\n(.*?)```", path.read_text(), re.DOTALL)

    assert [picture for picture in pictures if ";" in picture] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_blocks_of_commands_are_run_here_or_are_scripts_that_others_run(path: Path) -> None:
    text = path.read_text()
    shown = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    run = dict(commands(text))

    assert set(run) <= RUN
    others = [block for block in shown if block not in run.values()]
    assert [line for block in others for line in block.splitlines() if not line.startswith("scripts/")] == []


# The tests below run these.
RUN = {"first-query", "journey", "first-start", "rotation"}


def shell(script: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run commands as a reader does, in a folder that has the server's files in `var`."""
    program = f"{sys.executable} -m app.server.cli"
    script = f'patron() {{ {program} "$@"; }}\n' + script.replace(".venv/bin/patron", program)
    return subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env=Server.environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_first_query_of_the_readme_is_answered_as_it_says(tmp_path: Path) -> None:
    script = dict(commands(README))["first-query"]
    answer = re.search(r"<!-- answer: first-query -->\n```json\n(.*?)```", README, re.DOTALL)
    assert answer

    with Server(tmp_path) as server:
        ran = shell(script.replace("http://127.0.0.1:8000", server.url), tmp_path)

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == json.loads(answer[1])


def test_the_journey_ends_with_nothing_personal_left(tmp_path: Path) -> None:
    with Server(tmp_path, PATRON_ANONYMIZATION_DELAY="3"):
        ran = shell(dict(commands(CLIENTS))["journey"], tmp_path)

    assert ran.returncode == 0, ran.stderr
    answers = ran.stdout
    assert '"formatted":["Ann Archer","Bahnhofstrasse 1","CH-8001 Zürich","SWITZERLAND"]' in answers
    assert '"isDefaultBilling":true' in answers
    assert '"last4":"4242"' in answers
    assert "UNAUTHENTICATED" in answers
    assert '"email":null,"firstName":null,"lastName":null,"addresses":[],"paymentMethods":[]' in answers
    assert '"status":"COMPLETED"' in answers
    assert '"login":{"customer":null,"userErrors":[{"code":"INVALID_CREDENTIALS"}]}' in answers
    assert '"customer":{"email":"ann@example.org","firstName":null}' in answers
    left = b"".join(path.read_bytes() for path in (tmp_path / "var").iterdir())
    for personal in ("ann@example.org", "Archer", "Bahnhofstrasse", "Limmatquai", "668 18 00", "6681800"):
        assert personal.encode() not in left


async def test_a_production_is_set_up_and_rotates_its_keys_as_the_page_says(postgres_url: str, tmp_path: Path) -> None:
    script = "\n".join(text for name, text in commands(DEPLOYING) if name in {"first-start", "rotation"})
    for shown, name in (("db1.example.com/patron", "documents_main"), ("db2.example.com/keystore", "documents_keys")):
        await postgres.execute(postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await postgres.execute(postgres_url, f"CREATE DATABASE {name}")
        script = script.replace(f"postgresql://patron@{shown}", f"'{postgres.database(postgres_url, name)}'")

    ran = shell(script, tmp_path)

    assert ran.returncode == 0, ran.stderr
    printed = [re.sub(r"[-\w]{30,}", "…", line) for line in ran.stdout.splitlines()]
    assert printed[:9] == [
        "main: up to date",
        "keystore: up to date",
        "organization …",
        "publishable key …",
        "publishable client id …",
        "client id …",
        "client secret …",
        "staff …",
        "wrapped 3 keys with version 2",
    ]
    assert printed[9].endswith("it needs key version 2")
    assert printed[10].startswith("version 1 was destroyed at 20")
    assert printed[-1] == "signing with … in ten seconds"
    assert [line.split(":")[0] for line in (tmp_path / "master.key").read_text().splitlines()] == ["2"]
