"""Where a comparison's report goes: known, and checked, before anything is read or drawn."""

from __future__ import annotations

from pathlib import Path

from bridgetune.destinations import check_absent, check_folder

REPORT, PAGE, TABLES, FIGURES = "report.md", "report.html", "tables", "figures"


def check_place(out: Path, force: bool = False) -> None:
    """Refuse a folder that `write_report` could not write to, or that holds another report.

    Args:
        out: The folder.
        force: Whether a report that is there may be replaced.

    Raises:
        RequestError: One line that says why.
    """
    for folder in (out, out / TABLES, out / FIGURES):
        check_folder(folder, "the report")
    check_absent([out / REPORT, out / PAGE], force)
