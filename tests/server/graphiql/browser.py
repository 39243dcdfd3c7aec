"""A Chromium browser on a GraphiQL page: the actions of a visitor, and the errors of the browser."""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from app.server.graphiql.tabs import EXAMPLES

CHROMIUM = shutil.which("chromium")

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

TAB_STATE_SAVED = """document => {
  const state = JSON.parse(localStorage.getItem("patron:graphiql:tabState"));
  return state?.tabs[state.activeTabIndex].query === document;
}"""

QUERY_PARSED = """document => {
  const editor = window.document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror;
  return editor.documentAST?.loc.source.body === document;
}"""

OPERATION_PARSED = """name => {
  const editor = window.document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror;
  const parsed = editor.documentAST;
  return parsed?.loc.source.body === editor.getValue() && parsed.definitions[0].name?.value === name;
}"""

# Three megabytes of script start slowly while other tests run on the machine.
expect.set_options(timeout=30_000)

NAMES = tuple(tab.name for tab in EXAMPLES)


@dataclass
class BrowserLog:
    """The requests and errors of the browser."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda websocket: self.requests.append(websocket.url))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self.on_console)

    def on_console(self, message: ConsoleMessage) -> None:
        # Violations of the content security policy are console errors too.
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def foreign_requests(self, url: str) -> list[str]:
        """The requests to hosts or ports other than the page's."""
        own = urlsplit(url).netloc
        return [
            requested
            for requested in self.requests
            if urlsplit(requested).scheme != "data" and urlsplit(requested).netloc != own
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Playground:
    """GraphiQL in an open page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, url: str) -> None:
        """Wait for the schema: the documentation lists root types only after introspection."""
        self.page.goto(url)
        self.ready()

    def reload(self) -> None:
        # GraphiQL saves its state half a second after the last change.
        self.page.wait_for_function(TAB_STATE_SAVED, arg=self.document())
        self.page.reload()
        self.ready()

    def ready(self) -> None:
        documentation = self.page.get_by_role("button", name=re.compile("Documentation Explorer"))
        documentation.click()
        expect(self.page.locator(".graphiql-doc-explorer").get_by_text("Root Types")).to_be_visible()
        documentation.click()

    def names(self) -> list[str]:
        return self.page.locator(".graphiql-tab-button").all_inner_texts()

    def choose(self, name: str) -> None:
        self.page.locator(".graphiql-tab").get_by_role("button", name=name, exact=True).click()

    def drag(self, name: str, *, pixels: int) -> None:
        box = self.page.locator(".graphiql-tab").get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 5, box["y"] + 5)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 5 + pixels, box["y"] + 5, steps=pixels)
        self.page.mouse.up()

    def open_panel(self) -> None:
        self.page.get_by_role("button", name=re.compile("Show Operations")).click()

    def groups(self) -> list[str]:
        return self.page.locator(".patron-operations h2").all_inner_texts()

    def open_operation(self, name: str) -> None:
        """Choose it in the panel, and wait until it is in the editor."""
        self.page.locator(".patron-operations").get_by_role("button", name=name, exact=True).click()
        expect(self.page.locator(".graphiql-tab-active")).to_contain_text(name)
        # Until GraphiQL has read the document, it sends the name of the operation before.
        self.page.wait_for_function(OPERATION_PARSED, arg=name)

    def be_a_guest(self) -> None:
        self.page.get_by_role("button", name="Be a guest again").click()

    def write_variables(self, variables: str) -> None:
        self.page.get_by_role("button", name="Variables", exact=True).click()
        self.page.get_by_label("Variables", exact=True).locator(".graphiql-editor:not(.hidden) .CodeMirror").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(variables)

    def expect_answer(self, part: str) -> None:
        expect(self.page.locator(".result-window")).to_contain_text(part)

    def new(self) -> None:
        self.page.get_by_role("button", name="Add tab").click()

    def text(self, section: str) -> str:
        """The text of the visible editor in a section, including lines that are scrolled out of view."""
        editor = self.page.get_by_label(section, exact=True).locator(".graphiql-editor:not(.hidden) .CodeMirror")
        held: str = editor.evaluate("element => element.CodeMirror.getValue()")
        return held

    def document(self) -> str:
        return self.text("Query Editor")

    def variables(self) -> str:
        return self.tool("Variables")

    def headers(self) -> str:
        return self.tool("Headers")

    def tool(self, name: str) -> str:
        self.page.get_by_role("button", name=name, exact=True).click()
        return self.text(name)

    def write(self, document: str) -> None:
        self.page.locator(".graphiql-query-editor .CodeMirror").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(document)
        # GraphiQL reads the new text a tenth of a second later; until then it sends the old operation name.
        self.page.wait_for_function(QUERY_PARSED, arg=document)

    def run(self) -> None:
        self.page.get_by_role("button", name=re.compile("Execute query")).click()

    def open_every_dialog(self) -> None:
        """Open everything that draws over the page, because that is what adds style elements."""
        for name in ("Open short keys dialog", "Open settings dialog"):
            self.page.get_by_role("button", name=name).click()
            expect(self.page.get_by_role("dialog")).to_be_visible()
            self.page.keyboard.press("Escape")
            expect(self.page.get_by_role("dialog")).to_be_hidden()


@contextmanager
def visit(browser: Browser, url: str) -> Iterator[Playground]:
    """A new visitor on the page; afterwards assert no requests to other hosts and no errors."""
    log = BrowserLog()
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    log.watch(page)
    playground = Playground(page)
    playground.open(url)
    yield playground
    context.close()

    assert log.requests
    assert log.foreign_requests(url) == []
    assert log.complaints == []


def check_playground(
    url: str,
    *,
    query: str,
    expected: str,
    headers: Mapping[str, str] | None = None,
    names: Iterable[str] = NAMES,
) -> None:
    """The page at `url` is a working GraphiQL that keeps to its own host.

    It has the tabs `names` in this order, `headers` in the header editor of each when given, answers `query`
    with a result that contains `expected`, and opens every dialog without breaking its content security policy.
    """
    with chromium() as browser, visit(browser, url) as playground:
        assert playground.names() == list(names)
        if headers is not None:
            for name in names:
                playground.choose(name)
                assert json.loads(playground.headers()) == headers

        playground.new()
        playground.write(query)
        playground.run()
        expect(playground.page.locator(".result-window")).to_contain_text(expected)

        playground.open_every_dialog()
