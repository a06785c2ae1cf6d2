"""Pages in headless Chromium, for tests: each page fails where its scripts fail, or where it asks another place."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
PATIENCE_MS = 60_000
"""Only a test that fails waits so long; on a busy machine a page may need many seconds."""


def find_chromium() -> str | None:
    """Where Chromium is, if it is on the path."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Watch:
    """A browser whose pages are watched. `allowed`: what their requests may begin with, beside file: and data:."""

    browser: Browser
    allowed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, target: Path | str, **context: Any) -> Page:
        """Open a page: a file of a site, or an address of a server of the test.

        Args:
            target: the file or the address; after the file, `#...` may follow as a string.
            context: of the browser, such as `viewport`, `color_scheme`, `java_script_enabled`, `bypass_csp`.
        """
        made = self.browser.new_context(**({"viewport": DESKTOP} | context))
        self.contexts.append(made)
        made.set_default_timeout(PATIENCE_MS)
        page = made.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and self.problems.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._check_request(request.url))
        page.goto(target.as_uri() if isinstance(target, Path) else target)
        return page

    def _check_request(self, url: str) -> None:
        if not url.startswith(("file:", "data:", *self.allowed)):
            self.problems.append(f"a request to {url}")

    def end(self) -> None:
        """Close all pages, and fail where one of them had a problem."""
        for made in self.contexts:
            made.close()
        assert not self.problems, self.problems


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives browsers. One for each file of tests: the files import it, and there may be one at a time."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One browser for the tests of a file; they are skipped where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip(f"no Chromium on the path ({', '.join(NAMES)}): the pages are not tried in a browser")
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def watch(chromium: Browser) -> Iterator[Watch]:
    """Pages for one test; at its end none of them may have had a problem."""
    watching = Watch(chromium)
    yield watching
    watching.end()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server on this machine; gives its address, without a slash at the end."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with a page: the rule and the first element. Its context needs `bypass_csp`."""
    from axe_playwright_python.sync_playwright import Axe

    # Without a second look at style sheets, which a page on a disk may not read.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{one['id']}: {one['help']}: {_elements(one['nodes'])}" for one in found]


def _elements(nodes: Sequence[dict[str, Any]]) -> str:
    return f"{len(nodes)}, such as {nodes[0]['html'][:200]} ({nodes[0]['failureSummary'][:300]})"
