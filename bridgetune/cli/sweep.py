"""`bridgetune compare --sweep`: ablations from one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.progress import bar
from bridgetune.cli.tables import print_table, show_findings
from bridgetune.errors import WorkError
from bridgetune.sweeps.progress import SweepProgress

if TYPE_CHECKING:
    from rich.progress import Progress

    from bridgetune.cluster import Cluster
    from bridgetune.sweeps.findings import SweepFindings
    from bridgetune.sweeps.progress import Outcome


def sweep(
    path: Path,
    out: Path,
    metrics: Sequence[str],
    alpha: float,
    as_json: bool,
    trust: bool,
    cluster: Cluster | None = None,
) -> None:
    """Run what a sweep's file asks for, on a cluster where there is one, write the report and show the tables.

    Raises:
        RequestError: The file is wrong, or what it names is not there; nothing has been written.
        WorkError: Some runs failed; the tables of the others are there.
    """
    from bridgetune.sweeps.reading import read_sweep

    asked = read_sweep(path)
    from bridgetune.sweeps.findings import SweepFindings
    from bridgetune.sweeps.gathering import check_metrics
    from bridgetune.sweeps.running import run_sweep

    check_metrics(metrics, asked)
    hands = None
    if cluster is not None:
        from bridgetune.cluster.crew import Crew

        hands = Crew(cluster).runs
    with bar("part") as shown:
        result = run_sweep(asked, out, _Shown(shown), trust=trust, hands=hands)
    with ERRORS.status("drawing"):
        found = SweepFindings.of(result, metrics, alpha)
        written = found.write(out)
    if as_json:
        print_json({**found.described(), "files": [str(file) for file in written]})
    else:
        _show(found, written)
    if result.failed:
        first = result.failed[0]
        more = f", and {len(result.failed) - 1} more" if len(result.failed) > 1 else ""
        raise WorkError(
            f"{len(result.failed)} of {len(result.outcomes)} failed: {first.name}: {first.failure}{more};"
            " the same command tries them again, and leaves the others alone"
        )


class _Shown(SweepProgress):
    """A bar over all jobs with the present one's part on a terminal, and a line for each that has ended."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task = shown.add_task("sweep", total=None, part="")
        self._name = self._of = ""

    def began(self, name: str, number: int, count: int) -> None:
        self._name, self._of = name, f"{number}/{count}"
        self._shown.update(self._task, completed=number - 1, total=count, part=name)

    def advanced(self, doing: str, done: int, total: int) -> None:
        self._shown.update(self._task, part=f"{self._name}: {doing} {done}/{total}")

    def ended(self, outcome: Outcome) -> None:
        said = {
            "made": f"done in {outcome.seconds:.0f} s",
            "kept": "was there",
            "failed": f"failed: {outcome.failure}",
        }[outcome.state]
        style = "red" if outcome.state == "failed" else ""
        self._shown.console.print(f"{self._of} {outcome.name}: {said}", markup=False, style=style)


def _show(found: SweepFindings, written: Sequence[Path]) -> None:
    if found.findings is not None:
        show_findings(found.findings)
    for table in found.alphas:
        print_table(table)
    if found.cost is not None:
        print_table(found.cost)
    if written:
        RESULTS.print(f"report, tables and figures: {written[0]}, and as a page beside it", markup=False)
