"""Tables on the terminal."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.table import Table as ScreenTable

from bridgetune.cli import tables
from bridgetune.cli.console import ERRORS, RESULTS
from bridgetune.cli.tables import print_table
from bridgetune.evaluation import MetricInfo
from bridgetune.evaluation.tables import Cell, Table, evaluation_tables, score_table
from bridgetune.metrics.registry import METRICS
from bridgetune.paths import printable
from tests.support.evaluations import evaluation


def map_table() -> Table:
    """Nine columns: the map metrics of two images."""
    maps = [metric for metric in METRICS.values() if metric.kind == "map"][:9]
    infos = {one.name: MetricInfo(higher_is_better=one.higher_is_better, title=one.title) for one in maps}
    (table,) = evaluation_tables(evaluation("net", metrics=infos, images=2))
    return table


def printed(table: Table, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines below the caption."""
    monkeypatch.setattr(tables, "RESULTS", Console(width=width, soft_wrap=True, highlight=False))
    tables.print_table(table)
    caption, *lines = capsys.readouterr().out.splitlines()
    assert caption == table.caption
    return lines


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_number_is_whole(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    table = map_table()
    lines = printed(table, width, monkeypatch, capsys)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    for row in (row for section in table.sections for row in section):
        assert rows[row.labels[0]] == [f"{cell.value:.4f}" for cell in row.cells]


def test_nine_columns_fit_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    narrow = printed(map_table(), 80, monkeypatch, capsys)
    assert max(map(len, narrow)) <= 80
    assert sum("homog. ↓" in line for line in narrow) == 1
    wide = printed(map_table(), 200, monkeypatch, capsys)
    assert "error homog. ↓" in wide[0], "titles take a line where there is room"


HOSTILE = [
    "[bold]x[/bold]",
    "[/]",
    "[link=http://evil]x[/link]",
    "\x1b[31mred",
    "\x9b2J",
    ":warning:",
    "a\u202eb",
    "a\rb",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_are_plain_text_on_the_terminal(label: str, capsys: pytest.CaptureFixture[str]):
    info = MetricInfo(higher_is_better=True, title="t").model_copy(update={"title": label, "unit": label})
    print_table(score_table("t", label, {"own": info}, {label: [Cell(0.5)], "b": [Cell(0.25)]}, None))
    out = capsys.readouterr().out
    assert out.count(printable(label)) == 4, "caption, title, unit and row"
    assert not any(sign in out for sign in ("\x1b", "\x9b", "\r", "\u202e"))


@pytest.mark.parametrize("label", HOSTILE)
def test_strings_are_plain_text_to_either_console(label: str, capsys: pytest.CaptureFixture[str]):
    table = ScreenTable(label, title=label, width=100)
    table.add_row(label)
    for console in (RESULTS, ERRORS):
        console.print(label)
        console.print(f"{label}\n{label}", style="red")
        console.print(table)
    printed = capsys.readouterr()
    for said in (printed.out, printed.err):
        assert said.count(printable(label)) == 6
        assert not any(sign in said for sign in ("\x1b", "\x9b", "\r", "\u202e"))
