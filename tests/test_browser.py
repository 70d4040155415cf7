"""The browser of the tests sees what a page does wrong."""

import asyncio
import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import Tab, executable, open_tab

pytestmark = pytest.mark.slow

PAGE = """<!doctype html><title>A page</title><link rel="icon" href="data:,">
<button>Press</button><output></output>
<script>
document.querySelector("button").onclick = () => { document.querySelector("output").textContent = 6 * 7 }
</script>
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode() if found else b"")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def origin() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_page_that_does_nothing_wrong(tab: Tab, origin: str) -> None:
    tab.page.goto(origin)
    tab.page.get_by_role("button", name="Press").click()
    expect(tab.page.locator("output")).to_have_text("42")
    assert (tab.console_errors, tab.page_errors) == ([], [])
    assert f"{origin}/" in tab.requests
    assert tab.requests_beyond(origin) == []


def test_what_a_page_does_wrong(tab: Tab, origin: str) -> None:
    tab.page.goto(origin)
    with tab.page.expect_console_message(lambda message: "told" in message.text):
        tab.page.evaluate("console.warn('no error'); console.error('told')")
    with tab.page.expect_console_message(lambda message: "404" in message.text):
        tab.page.evaluate("fetch('/missing')")
    with tab.page.expect_event("pageerror"):
        tab.page.evaluate("setTimeout(() => { throw new TypeError('not caught') })")
    told, missing = tab.console_errors
    assert told.startswith("told (")
    assert missing.endswith(f"({origin}/missing)")
    assert tab.page_errors == ["TypeError: not caught"]


def test_whom_a_page_asks(tab: Tab, origin: str) -> None:
    tab.page.goto(origin)
    tab.page.evaluate("fetch('/missing')")
    tab.page.evaluate("fetch('http://localhost:9/other').catch(() => null)")
    with tab.page.expect_websocket():
        tab.page.evaluate("new WebSocket('ws://127.0.0.1:9/socket')")
    assert tab.requests == [f"{origin}/", f"{origin}/missing", "http://localhost:9/other", "ws://127.0.0.1:9/socket"]
    assert tab.requests_beyond(origin) == ["http://localhost:9/other", "ws://127.0.0.1:9/socket"]


def test_an_origin_is_no_prefix(tab: Tab) -> None:
    tab.requests.extend(
        ["http://h:80/", "http://h:8080/", "https://h:80/", "data:,", "blob:http://h:80/1", "file:///x"]
    )
    assert tab.requests_beyond("http://h:80") == ["http://h:8080/", "https://h:80/", "file:///x"]


def test_a_test_can_have_an_event_loop_when_the_tab_is_closed() -> None:
    with open_tab():
        pass
    assert asyncio.run(asyncio.sleep(0, 7)) == 7


def test_without_a_browser_the_fix_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(pytest.fail.Exception) as failure:
        executable()
    assert str(failure.value).startswith(
        "This test needs a browser: expected chromium, chromium-browser, google-chrome, google-chrome-stable "
        "or $CHROMIUM on PATH, found none. Fix: "
    )
