"""The audits of the npm package graphql-http: GraphQL over HTTP as an independent implementer reads it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live_server import Server

AUDITS = Path(__file__).parent / "audits"
INSTALLED = shutil.which("node") is not None and (AUDITS / "node_modules").exists()
# The package follows a draft in which a variable of a wrong type is a 400; the specification of 2026 says 422.
AS_THE_RELEASED_SPECIFICATION_SAYS = {"86EE"}


@pytest.mark.skipif(not INSTALLED, reason="needs node, and `npm ci` in tests/server/http/audits")
def test_all_audits_are_ok(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        run = subprocess.run(
            ["node", str(AUDITS / "audit.js"), f"{server.url}/graphql"], capture_output=True, text=True, check=True
        )

    results = json.loads(run.stdout)
    assert len(results) > 60
    refused = [one for one in results if one["status"] != "ok" and one["id"] not in AS_THE_RELEASED_SPECIFICATION_SAYS]
    assert refused == []
