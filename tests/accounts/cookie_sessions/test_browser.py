"""Cookie sessions in a real browser: a journey on the shop's page, and attacks from pages of others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.server.graphiql.browser import CHROMIUM, chromium
from tests.server.process.server import Server, run_cli, serving
from tests.shop import CONTRACT, PASSWORD

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH to open the pages with")
ANN = "ann@example.org"
ME = "{ me { firstName } }"
RENAME = 'mutation { updateCustomer(input: { firstName: "Eve" }) { userErrors { code } } }'
LOGOUT = "mutation { logout { userErrors { code } } }"
FETCH = """async ([url, query, variables, headers]) => {
  const response = await fetch(url, {
    method: "POST",
    credentials: "include",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return [response.status, await response.json()];
}"""
START_TWENTY = """([url, query]) => {
  window.pending = Promise.all(Array.from({ length: 20 }, async () => {
    const response = await fetch(url, {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query }),
    });
    return response.status;
  }));
}"""
STORED = "document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"
ROUNDS = 300
BLIND = """async ([url, query, key]) => {
  const outcomes = [];
  const send = async (given) => {
    try {
      const response = await fetch(url, { method: "POST", credentials: "include", ...given });
      outcomes.push(response.type === "opaque" ? "unreadable" : await response.text());
    } catch { outcomes.push("blocked"); }
  };
  const body = JSON.stringify({ query });
  await send({ headers: { "Content-Type": "application/json", "X-Api-Key": key }, body });
  await send({ headers: { "Content-Type": "application/json", "X-Session": "cookie" }, body });
  await send({ headers: { "Content-Type": "text/plain" }, body });
  await send({ mode: "no-cors", headers: { "Content-Type": "text/plain" }, body });
  await send({ mode: "no-cors", body: new URLSearchParams({ query }) });
  return outcomes;
}"""
EMBEDDED = """async ([url, read]) => {
  const source = `${url}?query=${encodeURIComponent(read)}`;
  const loaded = (element) => new Promise((resolve) => {
    element.onload = () => resolve("loaded");
    element.onerror = () => resolve("failed");
    element.src = source;
    document.body.append(element);
  });
  const image = await loaded(document.createElement("img"));
  const script = await loaded(document.createElement("script"));
  const frame = document.createElement("iframe");
  await loaded(frame);
  let seen = null;
  try { seen = frame.contentDocument?.body?.textContent ?? null; } catch { seen = null; }
  return [image, script, seen];
}"""
FORM = """([url, query]) => {
  const form = document.createElement("form");
  Object.assign(form, { action: url, method: "post", enctype: "text/plain" });
  const input = document.createElement("input");
  input.name = `{"query":${JSON.stringify(query)},"x":"`;
  input.value = `"}`;
  form.append(input);
  document.body.append(form);
  form.submit();
}"""


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A page</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Nothing."""


@contextmanager
def pages() -> Iterator[int]:
    """The port of a server of empty pages."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Storefront:
    """Tabs of one browser on the shop's page."""

    def __init__(self, server: Server, context: BrowserContext, port: int) -> None:
        self.endpoint = f"http://localhost:{server.port}/graphql"
        self.context = context
        self.origin = f"http://localhost:{port}"

    def tab(self, origin: str | None = None) -> Page:
        page = self.context.new_page()
        page.goto(f"{origin or self.origin}/")
        return page

    def ask(self, page: Page, query: str, headers: dict[str, str] | None = None, **variables: Any) -> tuple[int, Any]:
        status, body = page.evaluate(FETCH, [self.endpoint, CONTRACT.get(query, query), variables, headers or {}])
        return status, body

    def sign_up(self, page: Page) -> None:
        account = {"email": ANN, "password": PASSWORD, "passwordConfirmation": PASSWORD, "firstName": "Ann"}
        status, body = self.ask(page, "Register", {"X-Session": "cookie"}, input=account)
        assert status == 200
        assert body["data"]["register"]["userErrors"] == []
        assert body["data"]["register"]["tokens"] is None

    def name(self, page: Page) -> str | None:
        _, body = self.ask(page, ME)
        me = (body.get("data") or {}).get("me")
        return str(me["firstName"]) if me else None

    def cookie(self) -> Any:
        [found] = self.context.cookies(self.endpoint)
        return found


@contextmanager
def storefront(folder: Path, **settings: str) -> Iterator[Storefront]:
    with pages() as port, serving(folder / "var", **settings) as server, chromium() as browser:
        chosen = [f"corsOrigins=http://localhost:{port}", "cookieSessions=true"]
        options = [part for one in chosen for part in ("--set", one)]
        done = run_cli(server.var, "organizations", "update", "demo", *options)
        assert done.returncode == 0, done.stderr
        with browser.new_context() as context:
            yield Storefront(server, context, port)


@pytest.mark.parametrize(
    ("public_url", "name"), [("http://localhost", "patron"), ("https://localhost", "__Host-patron")]
)
def test_a_journey_in_tabs_of_one_browser(tmp_path: Path, public_url: str, name: str) -> None:
    with storefront(tmp_path, access_token_lifetime="1", public_url=public_url) as shop:
        first, second = shop.tab(), shop.tab()
        shop.sign_up(first)
        cookie = shop.cookie()

        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (name, True, "Lax", "/")
        assert cookie["secure"] is (name == "__Host-patron")
        assert (
            first.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"
        )
        assert shop.name(second) == "Ann"
        first.reload()
        assert shop.name(first) == "Ann"

        # Three tabs send twenty requests each at the same time, while the cookie is replaced again and again.
        tabs, seen = [first, second, shop.tab()], {cookie["value"]}
        for _ in range(ROUNDS):
            for page in tabs:
                page.evaluate(START_TWENTY, [shop.endpoint, ME])
            assert [page.evaluate("window.pending") for page in tabs] == [[200] * 20] * 3
            seen.add(shop.cookie()["value"])
            if len(seen) == 4:
                break
        assert len(seen) == 4
        assert shop.name(second) == "Ann"

        assert shop.ask(second, LOGOUT)[0] == 200
        assert shop.context.cookies(shop.endpoint) == []
        assert shop.name(first) is None


def test_pages_of_other_sites_and_of_siblings_neither_read_nor_change(tmp_path: Path) -> None:
    with storefront(tmp_path) as shop, pages() as sibling:
        own = shop.tab()
        shop.sign_up(own)
        held = shop.cookie()["value"]

        # `localhost` with another port is the same site, so the cookie is sent; 127.0.0.1 is another site.
        for origin in (f"http://localhost:{sibling}", f"http://127.0.0.1:{sibling}"):
            page = shop.tab(origin)
            for mutation in (RENAME, LOGOUT):
                outcomes = page.evaluate(BLIND, [shop.endpoint, mutation, "pk_demo"])
                assert outcomes == ["blocked", "blocked", "blocked", "unreadable", "unreadable"]
            image, _, seen = page.evaluate(EMBEDDED, [shop.endpoint, ME])
            assert (image, seen) == ("failed", None)
            with page.expect_navigation():
                page.evaluate(FORM, [shop.endpoint, RENAME])
            assert "Ann" not in page.content()
            assert "application/json" in page.content()
            page.goto(f"{shop.endpoint}?query={{me{{firstName}}}}")
            assert "Ann" not in page.content()
            page.close()

        assert shop.cookie()["value"] == held
        assert shop.name(own) == "Ann"
