"""`bridgetune compare`: evaluations to tables, ranks, tests and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.options import Force, Json, Trust
from bridgetune.config.bounds import Level, limits
from bridgetune.errors import RequestError


def compare(
    evaluations: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE|FOLDER...", help="Evaluations that bridgetune evaluate wrote, or folders of them."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write report.md here, with tables/ and figures/."),
    ] = None,
    before: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help="Compare this method with the one of --after, image by image; both may be given several times."
            " Default: every x with x+BridgeTune, and of two others you are asked which is which.",
        ),
    ] = None,
    after: Annotated[list[str] | None, typer.Option(metavar="METHOD", help="See --before.")] = None,
    proposed: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="Whose enhancement over the best of the others is shown. Default: the one that ranks best; if several"
            " do, you are asked.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Compare by this metric; may be given several times. Default: all, of {metrics}."
        ),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Level of the tests.", **limits(Level))] = 0.05,
    sweep: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="Train and evaluate what this file asks for first: backbones, BridgeTune off and on, α, seeds."
            " What is in --out already is not made again.",
        ),
    ] = None,
    force: Force = False,
    trust_code: Trust = False,
    as_json: Json = False,
) -> None:
    """Compare methods on datasets: mean scores, ranks, Friedman, Nemenyi and Wilcoxon tests, figures for a paper."""
    if sweep is not None:
        given = {"evaluations": evaluations, "--before": before, "--after": after, "--proposed": proposed}
        for name in (name for name, value in given.items() if value):
            raise RequestError(f"compare: {name} beside --sweep, which makes its own; leave one of them out")
        if out is None:
            raise RequestError("--sweep: expected --out DIR, where its runs are kept")
        if force:
            raise RequestError("compare: --force beside --sweep, which goes on with what is in --out; leave it out")
        from bridgetune.cli.sweep import sweep as run_sweep

        run_sweep(sweep, out, metric or (), alpha, as_json, trust_code)
        return
    if not evaluations:
        raise RequestError("compare: expected evaluations, files or folders, or --sweep FILE.toml")
    if out is not None:
        from bridgetune.evaluation.places import check_place

        check_place(out, force)
    elif force:
        raise RequestError("--force: given without --out, whose files it is for; leave it out")
    from bridgetune.cli.tables import show_findings
    from bridgetune.evaluation.aligning import align_pairs, read_evaluations
    from bridgetune.evaluation.findings import described, find

    read = read_evaluations(evaluations)
    comparison = align_pairs(read, before=before or (), after=after or (), metrics=metric or ())
    findings = find(comparison, proposed, alpha)
    written: list[Path] = []
    if out is not None:
        from bridgetune.evaluation.write_up import write_report

        with ERRORS.status("drawing"):
            written = write_report(findings, out, force=force)
    if as_json:
        print_json({**described(findings), "files": [str(path) for path in written]})
        return
    show_findings(findings)
    if written:
        RESULTS.print(f"report, tables and figures: {written[0]}", markup=False)
