"""`bridgetune compare`: evaluations to tables, ranks, tests and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table as ScreenTable

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.options import Json

if TYPE_CHECKING:
    from bridgetune.evaluation.findings import Findings
    from bridgetune.evaluation.tables import Table


def compare(
    evaluations: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|FOLDER...", help="Evaluations that bridgetune evaluate wrote, or folders of them."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write report.md here, with tables/ and figures/."),
    ] = None,
    before: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help="Compare this method with the one of --after, image by image; both may be given several times."
            " Default: every x with x+BridgeTune.",
        ),
    ] = None,
    after: Annotated[list[str] | None, typer.Option(metavar="METHOD", help="See --before.")] = None,
    proposed: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="Whose enhancement over the best of the others is shown. Default: the one that ranks best.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Compare by this metric; may be given several times. Default: all."),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Level of the tests.", min=0.0001, max=0.5)] = 0.05,
    as_json: Json = False,
) -> None:
    """Compare methods on datasets: mean scores, ranks, Friedman, Nemenyi and Wilcoxon tests, figures for a paper."""
    from bridgetune.evaluation.aligning import compare as align
    from bridgetune.evaluation.aligning import read_evaluations
    from bridgetune.evaluation.findings import described, find

    comparison = align(read_evaluations(evaluations), before=before or (), after=after or (), metrics=metric or ())
    findings = find(comparison, proposed, alpha)
    written: list[Path] = []
    if out is not None:
        from bridgetune.evaluation.report import write_report

        with ERRORS.status("drawing"):
            written = write_report(findings, out)
    if as_json:
        print_json({**described(findings), "files": [str(path) for path in written]})
        return
    _show(findings)
    if written:
        RESULTS.print(f"report, tables and figures: {written[0]}", markup=False)


def _show(findings: Findings) -> None:
    for found in findings.scopes:
        _print_table(found.table)
        if found.before_after is not None:
            _print_table(found.before_after)
    _print_table(findings.ranks)
    for found in findings.scopes:
        for sentence in found.said:
            RESULTS.print(f"• {sentence}", markup=False)
    for note in findings.comparison.notes:
        RESULTS.print(f"note: {note}", markup=False, style="yellow")


def _print_table(table: Table) -> None:
    """Whole, however narrow the terminal: a number that is cut says nothing."""
    screen = on_screen(table)
    needed = Measurement.get(RESULTS, RESULTS.options.update(max_width=10_000), screen).maximum
    wide = Console(width=max(needed, RESULTS.width), highlight=False, force_terminal=RESULTS.is_terminal)
    RESULTS.print(table.caption, markup=False, style="italic")
    wide.print(screen)


def on_screen(table: Table) -> ScreenTable:
    """A table for the terminal: best bold, second underlined."""
    from bridgetune.evaluation.rendering import number
    from bridgetune.evaluation.tables import ARROWS

    screen = ScreenTable(box=SIMPLE_HEAD, pad_edge=False)
    for head in table.heads:
        screen.add_column(escape(head))
    for column in table.columns:
        screen.add_column(f"{escape(column.plain_title)} {ARROWS[column.higher_is_better]}", justify="right")
    styles = {1: "[bold]{}[/bold]", 2: "[underline]{}[/underline]", 0: "{}"}
    for section in table.sections:
        for row in section:
            cells = (
                styles[cell.place].format(number(cell, column, row))
                for cell, column in zip(row.cells, table.columns, strict=True)
            )
            screen.add_row(*map(escape, row.labels), *cells)
        screen.add_section()
    return screen
