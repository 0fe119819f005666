"""`bridgetune app`: what is asked of it before it serves."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from bridgetune.app import server
from bridgetune.app.desk import Serving
from bridgetune.cli.app import app
from bridgetune.errors import RequestError


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Serving]:
    """What would be served, and opened in a browser."""
    served: list[Any] = []

    def serve(serving: Serving, ready: Any) -> None:
        served.append(serving)
        ready(server.address(serving, serving.port))

    monkeypatch.setattr(server, "serve", serve)
    return served


def test_it_serves_this_machine_alone_without_a_token(served: list[Serving]):
    result = CliRunner().invoke(app, ["app", "--no-browser"])
    assert result.output == "the page is at http://127.0.0.1:8765/ until Ctrl-C\n"
    assert served == [Serving()]
    assert served[0].local


def test_the_browser_is_led_to_it(served: list[Serving], monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    CliRunner().invoke(app, ["app", "--port", "9000", "--token", "short"])
    assert opened == ["http://127.0.0.1:9000/?token=short"]


def test_beyond_this_machine_it_warns_and_draws_a_token(served: list[Serving]):
    warned = [CliRunner().invoke(app, ["app", "--no-browser", "--host", "0.0.0.0"]).output for _ in range(2)]
    assert all("others on the network reach this page" in output for output in warned)
    assert len({serving.token for serving in served}) == 2
    assert all(len(serving.token) >= 20 for serving in served)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--host", "0.0.0.0", "--token", "1234"], "--token: got 4 letters, expected 12 or more"),
        (["--generator", "bridgemf"], "bridgemff"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_served(served: list[Serving], given: list[str], line: str):
    result = CliRunner().invoke(app, ["app", "--no-browser", *given])
    assert isinstance(result.exception, RequestError)
    assert line in str(result.exception)
    assert served == []
