"""GraphiQL of the real server in a real Chromium."""

import json
from pathlib import Path

import pytest

from tests.server.graphiql.browser import CHROMIUM, check_playground, chromium, visit
from tests.server.process.server import serving
from tests.shop import PASSWORD


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH to open the page with")
def test_the_real_server_s_playground_answers_with_the_demo_s_key_and_asks_no_other_host(tmp_path: Path) -> None:
    with serving(tmp_path / "var") as server:
        check_playground(
            f"{server.url}/graphql",
            query="{ viewer { kind organization { slug } } }",
            expected='"slug": "demo"',
            headers={"X-Api-Key": server.demo["publishableKey"]},
        )


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH to open the page with")
def test_operations_of_every_group_open_in_tabs_and_a_login_is_used_by_the_next_request(tmp_path: Path) -> None:
    account = {"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD}
    with serving(tmp_path / "var") as server, chromium() as browser, visit(browser, f"{server.url}/graphql") as page:
        page.open_panel()
        assert page.groups() == ["Account", "Owned by the customer", "Privacy", "Back office", "About"]
        before = page.names()

        page.open_operation("ResetPassword")
        assert page.names() == [*before, "ResetPassword"]
        assert page.document().startswith("mutation ResetPassword($input: ResetPasswordInput!)")
        assert json.loads(page.variables()) == {"input": {"token": "", "password": "", "passwordConfirmation": ""}}
        assert json.loads(page.headers()) == {"X-Api-Key": server.demo["publishableKey"]}
        page.open_operation("Viewer")
        page.open_operation("ResetPassword")
        assert page.names().count("ResetPassword") == 1

        page.open_operation("Register")
        page.write_variables(json.dumps({"input": account}))
        page.run()
        page.expect_answer('"accessToken"')
        page.open_operation("Me")
        page.run()
        page.expect_answer('"ann@example.org"')
        page.be_a_guest()
        page.run()
        page.expect_answer('"UNAUTHENTICATED"')
