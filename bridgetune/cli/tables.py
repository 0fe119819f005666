"""Tables of results on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as ScreenTable
from rich.text import Text

from bridgetune.cli.console import RESULTS
from bridgetune.paths import printable

if TYPE_CHECKING:
    from bridgetune.evaluation.findings import Findings
    from bridgetune.evaluation.tables import Table

_LAYOUTS = ((" ", 1), ("\n", 1), ("\n", 0))
"""Arguments of `on_screen`, ever narrower; a table has the first in which it fits the terminal, or the last."""


def show_findings(findings: Findings) -> None:
    """Mean scores, before and after, ranks, what the tests say, and what is to be known."""
    for found in findings.scopes:
        print_table(found.table)
        if found.before_after is not None:
            print_table(found.before_after)
    print_table(findings.ranks)
    for found in findings.scopes:
        for sentence in found.said:
            RESULTS.print(f"• {sentence}", markup=False)
    for note in findings.comparison.notes:
        RESULTS.print(f"note: {note}", markup=False, style="yellow")


def print_table(table: Table) -> None:
    """Whole, however narrow the terminal: a number that is cut says nothing."""
    for between, gap in _LAYOUTS:
        screen = on_screen(table, between, gap)
        needed = Measurement.get(RESULTS, RESULTS.options.update(max_width=10_000), screen).maximum
        if needed <= RESULTS.width:
            break
    wide = Console(width=max(needed, RESULTS.width), highlight=False, force_terminal=RESULTS.is_terminal)
    RESULTS.print(table.caption, markup=False, style="italic")
    wide.print(screen)
    RESULTS.print()


def on_screen(table: Table, between: str = " ", gap: int = 1) -> ScreenTable:
    """A table for the terminal: best bold, second underlined.

    Args:
        table: What to show.
        between: What stands between the words of a column's title.
        gap: Behind a column, in characters; there is one more before the next.
    """
    from bridgetune.evaluation.rendering import number
    from bridgetune.evaluation.tables import ARROWS

    screen = ScreenTable(box=SIMPLE_HEAD, show_edge=False, padding=(0, gap, 0, 0))
    for head in table.heads:
        screen.add_column(Text(printable(head)))
    for column in table.columns:
        title = printable(column.plain_title).replace(" ", between)
        screen.add_column(Text(f"{title} {ARROWS[column.higher_is_better]}"), justify="right")
    styles = {1: "bold", 2: "underline", 0: ""}
    for section in table.sections:
        for row in section:
            cells = (
                Text(number(cell, column, row), styles[cell.place])
                for cell, column in zip(row.cells, table.columns, strict=True)
            )
            screen.add_row(*(Text(printable(label)) for label in row.labels), *cells)
        screen.add_section()
    return screen
