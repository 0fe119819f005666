"""How far work is, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable

import pytest

from bridgetune.cli import progress
from bridgetune.cli.console import PlainConsole
from bridgetune.cli.progress import bar, share_bar


def shown_on(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, clock: Callable[[], float] = time.monotonic
) -> io.StringIO:
    """Where it says from now on how far work is."""
    place = io.StringIO()
    console = PlainConsole(file=place, force_terminal=terminal, width=80, soft_wrap=True, get_time=clock)
    monkeypatch.setattr(progress, "ERRORS", console)
    return place


@pytest.mark.parametrize(("after", "drawn"), [(0.0, True), (60.0, False)])
def test_only_work_that_takes_its_time_has_a_bar(after: float, drawn: bool, monkeypatch: pytest.MonkeyPatch):
    terminal = shown_on(monkeypatch, terminal=True)
    with share_bar("fusing a.tif", after) as told:
        told(0.25)
        told(0.5)
    assert ("fusing a.tif" in terminal.getvalue()) == drawn
    assert ("50%" in terminal.getvalue()) == drawn


def test_a_log_has_a_line_a_minute(monkeypatch: pytest.MonkeyPatch):
    now = [1000.0]
    log = shown_on(monkeypatch, terminal=False, clock=lambda: now[0])
    with bar("stem") as told:
        task = told.add_task("evaluating", total=40, stem="")
        for done in range(1, 41):
            now[0] += 4
            told.update(task, completed=done, stem=f"pair-{done}")
    lines = log.getvalue().splitlines()
    assert [line.split()[-1] for line in lines] == ["pair-15", "pair-30"]
    assert re.fullmatch(r"evaluating: 15/40, 0:01:\d\d left pair-15", lines[0])


def test_a_log_of_little_work_has_no_line(monkeypatch: pytest.MonkeyPatch):
    log = shown_on(monkeypatch, terminal=False)
    with share_bar("fusing a.tif", 0.0) as told:
        told(0.5)
        told(1.0)
    assert not log.getvalue()
