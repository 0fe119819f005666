"""A browser, headless, and the page that it is led to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from bridgetune.app.desk import Serving
from bridgetune.app.server import Page as Served
from bridgetune.app.server import listening
from bridgetune.app.tiles import as_png
from tests.support.browser import chromium
from tests.support.pages import frames_of
from tests.support.workshops import workshop_in

WITHIN = 60_000
"""Milliseconds that anything may take on a machine that does other things, too."""

expect.set_options(timeout=WITHIN)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; whatever needs it is skipped, by its name, where there is none."""
    program = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """What is behind the page; runs are pretended."""
    folder = tmp_path_factory.mktemp("shop")
    served = Served(Serving(tune=folder), tmp_path_factory.mktemp("page"))
    served.workshop = workshop_in(folder)
    return served


@pytest.fixture(scope="session")
def address(served: Served) -> Iterator[str]:
    """Where the page is."""
    with listening("127.0.0.1", 0) as heard:
        server = uvicorn.Server(uvicorn.Config(served.application(), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [heard]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{heard.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


class Watched:
    """What a page asks for and complains of."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", self._request)
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 422" not in message.text:  # a refusal, which the page shows
            self.said.append(message.text)

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)


DESK, TELEPHONE = (1280, 900), (390, 844)
"""Widths and heights of windows."""


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window at the front page; it asks this machine alone for anything, and complains of nothing."""
    width, height = getattr(request, "param", DESK)
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
    context.set_default_timeout(WITHIN)
    page = context.new_page()
    watched = Watched(page)
    page.goto(address)
    yield page
    context.close()
    assert {url.split("/")[2] for url in watched.asked if not url.startswith(("blob:", "data:"))} == {
        address.split("/")[2]
    }
    assert watched.said == []


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three frames of a stack."""
    folder = tmp_path_factory.mktemp("stack")
    paths = [folder / f"frame {number}.png" for number in range(3)]
    for path, frame in zip(paths, frames_of(3, 192, 288), strict=True):
        path.write_bytes(as_png(frame))
    return paths
