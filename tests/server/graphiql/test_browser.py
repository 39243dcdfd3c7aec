"""GraphiQL in a real Chromium, on a small real schema."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from app.server.graphiql.assets import static_files
from app.server.graphiql.page import CONTENT_SECURITY_POLICY, render_page
from app.server.graphiql.tabs import EXAMPLES
from tests.server.graphiql.browser import CHROMIUM, check_playground, chromium, visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH to open the page with")


@strawberry.type
class Query:
    @strawberry.field
    def greeting(self, info: strawberry.Info, name: str) -> str:
        return f"Good day, {name}; your key is {info.context['key']}"


@dataclass
class PageServer:
    """A server of the page whose key may change, as when the database is created again."""

    key: str = "pk_first"
    accepted: list[str] = field(default_factory=list)
    url: str = ""

    async def serve_page(self, request: Request) -> Response:
        html = render_page(endpoint="/graphql", assets="/graphql/static", headers={"X-Api-Key": self.key})
        return HTMLResponse(html, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})

    async def answer(self, request: Request) -> Response:
        self.accepted.append(request.headers["accept"])
        body = await request.json()
        result = await strawberry.Schema(Query).execute(
            body["query"],
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
            context_value={"key": request.headers.get("x-api-key")},
        )
        errors = [error.formatted for error in result.errors or ()]
        return JSONResponse({"data": result.data} | ({"errors": errors} if errors else {}))

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Mount("/graphql/static", static_files()),
                Route("/graphql", self.serve_page, methods=["GET"]),
                Route("/graphql", self.answer, methods=["POST"]),
            ]
        )


@contextmanager
def served(application: Starlette) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", ws="none", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def page_server() -> Iterator[PageServer]:
    page_server = PageServer()
    with served(page_server.application()) as origin:
        page_server.url = f"{origin}/graphql"
        yield page_server


def test_the_page_is_a_working_graphiql_that_asks_no_other_host(page_server: PageServer) -> None:
    check_playground(
        page_server.url,
        query='{ greeting(name: "Ann") }',
        expected="Good day, Ann; your key is pk_first",
        headers={"X-Api-Key": "pk_first"},
    )

    assert set(page_server.accepted) == {"application/graphql-response+json, application/json"}


def test_each_tab_shows_its_operation_and_its_variables_also_the_first_one(page_server: PageServer) -> None:
    with chromium() as browser, visit(browser, page_server.url) as playground:
        first = (playground.document(), playground.variables())
        shown = []
        for tab in EXAMPLES:
            playground.choose(tab.name)
            shown.append((playground.document(), playground.variables()))

    assert first == (EXAMPLES[0].document, EXAMPLES[0].variables)
    assert shown == [(tab.document, tab.variables) for tab in EXAMPLES]


def test_a_hand_that_trembles_does_not_shuffle_the_tabs(page_server: PageServer) -> None:
    with chromium() as browser, visit(browser, page_server.url) as playground:
        before = playground.names()
        playground.drag("UpdateAddress", pixels=20)

        assert playground.names() == before
        assert playground.document().startswith("mutation UpdateAddress")


def test_a_reload_keeps_the_tabs_and_the_one_that_was_open(page_server: PageServer) -> None:
    with chromium() as browser, visit(browser, page_server.url) as playground:
        playground.choose("Me")
        before = playground.names()
        playground.reload()

        assert playground.names() == before
        assert playground.document().startswith("query Me")
        assert "pk_first" in playground.headers()


def test_a_new_key_replaces_the_remembered_one(page_server: PageServer) -> None:
    with chromium() as browser, visit(browser, page_server.url) as playground:
        playground.choose("Viewer")
        page_server.key = "pk_second"
        playground.reload()

        assert playground.names() == [tab.name for tab in EXAMPLES]
        assert "pk_second" in playground.headers()
        playground.choose("Viewer")
        assert "pk_second" in playground.headers()


def test_tabs_of_another_project_at_the_same_address_stay_out_and_stay_there(page_server: PageServer) -> None:
    with chromium() as browser, visit(browser, page_server.url) as playground:
        playground.page.evaluate("localStorage.setItem('graphiql:tabState', 'of another project')")
        playground.reload()

        assert playground.names() == [tab.name for tab in EXAMPLES]
        assert playground.page.evaluate("localStorage.getItem('graphiql:tabState')") == "of another project"
