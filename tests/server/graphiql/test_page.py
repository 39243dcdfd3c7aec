"""The GraphiQL page and its examples, without a browser."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from graphql import OperationDefinitionNode, parse

from app.server.graphiql.assets import STATIC, static_files
from app.server.graphiql.page import CONTENT_SECURITY_POLICY, render_page
from app.server.graphiql.tabs import DOCUMENTS, EXAMPLES, PACKAGE_DIR, Tab

SOURCES = [(PACKAGE_DIR / "operations" / f"{document}.graphql").read_text(encoding="utf-8") for document in DOCUMENTS]


def configuration(html: str) -> str:
    found = re.search(r'<script type="application/json" id="configuration">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return found[1]


async def fetched(paths: list[str]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(static_files())
    async with httpx.AsyncClient(transport=transport, base_url="http://patron.test") as client:
        return [await client.get(path) for path in paths]


def operation(tab: Tab) -> OperationDefinitionNode:
    [definition] = parse(tab.document).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition


def test_a_value_cannot_leave_the_configuration() -> None:
    hostile = "</script><!--<script>&\u2028\"'"

    html = render_page(endpoint="/graphql", assets="/files", headers={"X-Api-Key": hostile})

    embedded = configuration(html)
    assert json.loads(embedded)["headers"] == {"X-Api-Key": hostile}
    assert not set("<>&\u2028") & set(embedded)


def test_a_path_cannot_leave_its_attribute() -> None:
    html = render_page(endpoint="/graphql", assets='/"><script>', headers={})

    assert '"><script>' not in html
    assert "/&quot;&gt;&lt;script&gt;/start.js" in html


def test_the_page_runs_no_inline_script_and_names_no_host() -> None:
    html = render_page(endpoint="/graphql", assets="/graphql/static/", headers={})

    scripts = re.findall(r"<script\b[^>]*>", html)
    assert len(scripts) == 5
    assert all("src=" in script or 'type="application/json"' in script for script in scripts)
    assert not re.search(r"\s(?:style|on\w+)=", html.replace(configuration(html), ""))
    assert "//" not in html


def test_every_file_the_page_asks_for_is_served() -> None:
    html = render_page(endpoint="/graphql", assets="", headers={})

    paths = re.findall(r'(?:src|href)="(/[^"]+)"', html)

    assert len(paths) == 6
    for response in asyncio.run(fetched(paths)):
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-cache"


def test_the_policy_names_no_host_and_allows_nothing_inline() -> None:
    directives = dict(directive.split(" ", 1) for directive in CONTENT_SECURITY_POLICY.split("; "))

    sources = {source for value in directives.values() for source in value.split() if not source.startswith("'sha256-")}
    assert sources == {"'none'", "'self'", "data:"}
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"


def test_every_operation_of_the_contract_has_a_tab_with_its_exact_text() -> None:
    operations = [definition for source in SOURCES for definition in parse(source).definitions]

    assert len(EXAMPLES) == len(operations)
    assert "\n\n".join(tab.document for tab in EXAMPLES) == "\n\n".join(source.strip() for source in SOURCES)


def test_tabs_have_different_names_each_that_of_its_operation() -> None:
    names = [tab.name for tab in EXAMPLES]

    assert len(set(names)) == len(names)
    for tab in EXAMPLES:
        name = operation(tab).name
        assert name is not None
        assert name.value == tab.name


@pytest.mark.parametrize("tab", EXAMPLES, ids=lambda tab: tab.name)
def test_example_variables_are_declared_and_no_required_one_is_missing(tab: Tab) -> None:
    declared = operation(tab).variable_definitions or ()
    given = set(json.loads(tab.variables or "{}"))

    assert given <= {definition.variable.name.value for definition in declared}
    assert given >= {
        definition.variable.name.value for definition in declared if definition.type.kind == "non_null_type"
    }


def test_no_variables_are_left_over_from_an_operation_that_is_gone() -> None:
    kept = json.loads((PACKAGE_DIR / "variables.json").read_text(encoding="utf-8"))

    assert set(kept) == {tab.name for tab in EXAMPLES if tab.variables}


def test_the_files_of_others_are_those_that_were_verified_and_their_licences_are_beside_them() -> None:
    script = Path(__file__).parents[3] / "scripts" / "graphiql"

    checked = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")
    licences = (STATIC / "LICENSES").read_text(encoding="utf-8")
    for name in ("graphiql 3.8.3", "react 18.2.0", "react-dom 18.2.0"):
        assert f"{name} (" in licences
    assert licences.count("Permission is hereby granted") == 3
