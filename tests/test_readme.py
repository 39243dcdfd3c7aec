"""The README's journey works as it stands there, against a real process."""

import re
import subprocess
import sys
from pathlib import Path

from app.platform.settings import Settings
from app.server.schema import SCHEMA
from tests.live_server import Server

README = Path(__file__).parent.parent / "README.md"


def test_every_setting_stands_in_the_table() -> None:
    text = README.read_text()

    assert [name for name in Settings.model_fields if f"`PATRON_{name.upper()}`" not in text] == []


def test_every_operation_is_listed() -> None:
    text = README.read_text()
    schema = SCHEMA._schema
    roots = [schema.query_type, schema.mutation_type]

    assert [name for root in roots if root for name in root.fields if f"`{name}`" not in text] == []


def journey() -> str:
    """The script in the README."""
    found = re.search(r"<!-- journey.*?-->\n```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    return found.group(1)


def test_the_journey_of_the_readme_ends_with_nothing_personal_left(tmp_path: Path) -> None:
    script = journey().replace(".venv/bin/patron", f"{sys.executable} -m app.server.cli")

    with Server(tmp_path, PATRON_ANONYMIZATION_DELAY="3"):
        ran = subprocess.run(
            ["bash", "-euc", script],
            cwd=tmp_path,
            env=Server.environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

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
