"""Tables as text: Markdown, CSV and LaTeX. Best bold, second underlined."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from bridgetune.evaluation.tables import AFTER, ARROWS, BEFORE, Cell, Column, Row, Table
from bridgetune.markdown import markdown_text, one_line, pipe_table

NOTHING = "–"

TEX_ARROWS = {True: r"$\uparrow$", False: r"$\downarrow$"}
"""`ARROWS` for LaTeX, and for matplotlib, which sets them in any font."""

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "[": "{[}",
    "*": "{*}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    BEFORE: r"$\times$",
    AFTER: r"$\checkmark$",
    NOTHING: "--",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "α": r"$\alpha$",
    "χ": r"$\chi$",
    "²": r"$^2$",
    "→": r"$\rightarrow$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "<": r"$<$",
    ">": r"$>$",
}


_FORMULA = tuple("=+-@＝＋－＠")


def number(cell: Cell, column: Column, row: Row) -> str:
    """A cell as it is printed, without marks: 0.7586, 0.7586 ± 0.0012, +0.42%, −0.10%."""
    if cell.value is None:
        return NOTHING
    if row.kind == "enhancement":
        percent = round(cell.value, 2)
        return _signed(f"{percent:+.2f}%") if percent else "0.00%"
    spread = "" if cell.spread is None else f" ± {cell.spread:.{column.digits}f}"
    return _signed(f"{cell.value:.{column.digits}f}{spread}")


def markdown(table: Table) -> str:
    """A table of GitHub's Markdown, its caption above it."""
    marks: dict[int, Callable[[str], str]] = {1: "**{}**".format, 2: "<ins>{}</ins>".format, 0: str}
    heads = [markdown_text(head) for head in table.heads]
    heads += [f"{_title(column, markdown_text)} {ARROWS[column.higher_is_better]}" for column in table.columns]
    rows = []
    for row in (row for section in table.sections for row in section):
        cells = [
            marks[cell.place](number(cell, column, row)) for cell, column in zip(row.cells, table.columns, strict=True)
        ]
        rows.append([*map(markdown_text, row.labels), *cells])
    return f"*{markdown_text(table.caption)}*\n\n{pipe_table(heads, rows, range(len(table.heads)))}\n"


def comma_separated(table: Table) -> str:
    """CSV in full precision: a column for each head and column, one more behind each column that has spreads."""
    rows = [row for section in table.sections for row in section]
    spread = [any(row.cells[place].spread is not None for row in rows) for place in range(len(table.columns))]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    header = [csv_text(head) for head in table.heads]
    for column, wide in zip(table.columns, spread, strict=True):
        header += [csv_text(column.name), csv_text(f"{column.name}_std")][: 1 + wide]
    writer.writerow(header)
    for row in rows:
        cells = ((cell.value, cell.spread)[: 1 + wide] for cell, wide in zip(row.cells, spread, strict=True))
        writer.writerow(
            [*map(csv_text, row.labels), *("" if value is None else repr(value) for both in cells for value in both)]
        )
    return written.getvalue()


def latex(table: Table) -> str:
    """A table environment for LaTeX with booktabs (and amssymb, for check marks)."""
    marks: dict[int, Callable[[str], str]] = {1: r"\textbf{{{}}}".format, 2: r"\underline{{{}}}".format, 0: str}
    heads = [latex_text(head) for head in table.heads]
    heads += [f"{_title(column, latex_text)} {TEX_ARROWS[column.higher_is_better]}" for column in table.columns]
    sections = []
    for section in table.sections:
        lines = []
        for row in section:
            cells = [
                marks[cell.place](latex_text(number(cell, column, row)))
                for cell, column in zip(row.cells, table.columns, strict=True)
            ]
            lines.append(" & ".join([*map(latex_text, row.labels), *cells]) + r" \\")
        sections.append("\n".join(lines))
    body = "\n\\midrule\n".join(sections)
    return (
        "% \\usepackage{booktabs,amssymb}\n"
        "\\begin{table}[t]\n\\centering\n"
        f"\\caption{{{latex_text(table.caption)}}}\n\\label{{tab:{table.name}}}\n"
        f"\\begin{{tabular}}{{{'l' * len(table.heads)}{'c' * len(table.columns)}}}\n\\toprule\n"
        f"{' & '.join(heads)} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


def latex_text(text: str) -> str:
    """Plain text for LaTeX: no part of it is a command, also at the beginning of a table's row."""
    return "".join(_LATEX.get(sign, sign) for sign in one_line(text))


def csv_text(text: str) -> str:
    """Plain text for CSV, of which no spreadsheet makes a formula: what could be one begins with an apostrophe."""
    flat = one_line(text)
    return f"'{flat}" if flat.lstrip().startswith(_FORMULA) else flat


def _signed(printed: str) -> str:
    return printed.replace("-", "−")


def _title(column: Column, text: Callable[[str], str]) -> str:
    title = f"${column.title}$" if column.math else text(column.title)
    return f"{title} ({text(column.unit)})" if column.unit else title
