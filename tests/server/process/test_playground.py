"""GraphiQL of the real server in a real Chromium."""

from pathlib import Path

import pytest

from tests.server.graphiql.browser import CHROMIUM, check_playground
from tests.server.process.server import serving


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH to open the page with")
def test_the_real_server_s_playground_answers_with_the_demo_s_key_and_asks_no_other_host(tmp_path: Path) -> None:
    with serving(tmp_path / "var") as server:
        check_playground(
            f"{server.url}/graphql",
            query="{ viewer { kind organization { slug } } }",
            expected='"slug": "demo"',
            headers={"X-Api-Key": server.demo["publishableKey"]},
        )
