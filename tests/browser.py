"""A page in headless Chromium, for tests of what people see: the machine's own browser, driven by playwright."""

import contextlib
import dataclasses
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright

from environment import browser, doctor

# Beside what playwright sets by itself: no GPU, and no sockets of QUIC, which nothing here speaks.
FLAGS = ("--disable-gpu", "--disable-quic")
INLINE = {"about", "blob", "data"}  # schemes that ask nobody


@dataclasses.dataclass(frozen=True)
class Tab:
    """A page, and what it did so far. Its workers, frames and pop-ups count."""

    page: Page
    requests: list[str] = dataclasses.field(default_factory=list)  # URLs, in order, WebSockets among them
    console_errors: list[str] = dataclasses.field(default_factory=list)  # with the URL they came from
    page_errors: list[str] = dataclasses.field(default_factory=list)  # exceptions that nobody caught

    def requests_beyond(self, origin: str) -> list[str]:
        """URLs that were asked of anybody but `origin`, such as `http://127.0.0.1:8080`."""
        home = urlsplit(origin)[:2]
        return [url for url in self.requests if urlsplit(url)[:2] != home and urlsplit(url).scheme not in INLINE]


def executable() -> str:
    """Path of this machine's browser; without one the test fails, and says how to get one."""
    found = browser.find()
    if not found:
        pytest.fail(no_browser(), pytrace=False)
    return found


def no_browser() -> str:
    """What to do on a machine without a browser."""
    return f"This test needs {doctor.no_browser(doctor.packager())}"


@contextlib.contextmanager
def open_tab() -> Iterator[Tab]:
    """Gives an empty page in a browser of its own, and closes both."""
    path = executable()
    with sync_playwright() as playwright:
        # No sandbox: root, which tests in containers often are, cannot have Chromium's.
        chromium = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=FLAGS)
        context = chromium.new_context()
        tab = Tab(context.new_page())
        _listen(tab, context)
        yield tab
        chromium.close()


@pytest.fixture(name="tab")
def _tab() -> Iterator[Tab]:
    """An empty page in headless Chromium.

    For each test anew: while playwright runs, its event loop is the thread's running one, and there can be no other.
    """
    with open_tab() as tab:
        yield tab


def _listen(tab: Tab, context: BrowserContext) -> None:
    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            tab.console_errors.append(f"{message.text} ({message.location['url']})")

    context.on("console", note)
    context.on("weberror", lambda error: tab.page_errors.append(f"{error.error.name}: {error.error.message}"))
    context.on("request", lambda request: tab.requests.append(request.url))
    tab.page.on("websocket", lambda socket: tab.requests.append(socket.url))
