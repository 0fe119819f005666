"""`bridgetune compare`: evaluations to tables, ranks, tests and figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.options import Force, Json, Ray, RayCpus, RayGpus, Trust, cluster
from bridgetune.cli.progress import bar
from bridgetune.config.bounds import Level, limits
from bridgetune.errors import RequestError

if TYPE_CHECKING:
    from bridgetune.evaluation.mustering import Mustered
    from bridgetune.evaluation.roster import Roster


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
    methods: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="Evaluate what this file lists first: generators, evaluators and folders of saved results, and put"
            " beside what was published. What is in --out is not made again; what is missing is left out by name.",
        ),
    ] = None,
    force: Force = False,
    trust_code: Trust = False,
    as_json: Json = False,
    ray: Ray = None,
    ray_cpus: RayCpus = None,
    ray_gpus: RayGpus = None,
) -> None:
    """Compare methods on datasets: mean scores, ranks, Friedman, Nemenyi and Wilcoxon tests, figures for a paper."""
    crew = cluster(ray, None, ray_cpus, ray_gpus)
    if crew is not None and sweep is None:
        raise RequestError("--ray: given without --sweep, whose runs it hands out; leave it out")
    if sweep is not None:
        given: dict[str, object] = {"evaluations": evaluations, "--methods": methods, "--proposed": proposed}
        given |= {"--before": before, "--after": after}
        for name in (name for name, value in given.items() if value):
            raise RequestError(f"compare: {name} beside --sweep, which makes its own; leave one of them out")
        if out is None:
            raise RequestError("--sweep: expected --out DIR, where its runs are kept")
        if force:
            raise RequestError("compare: --force beside --sweep, which goes on with what is in --out; leave it out")
        from bridgetune.cli.sweep import sweep as run_sweep

        run_sweep(sweep, out, metric or (), alpha, as_json, trust_code, crew)
        return
    if not evaluations and methods is None:
        raise RequestError("compare: expected evaluations, files or folders, --methods FILE.toml or --sweep FILE.toml")
    if methods is not None:
        from bridgetune.evaluation.roster import read_roster

        if out is None:
            raise RequestError("--methods: expected --out DIR, where its evaluations are kept")
        roster = read_roster(methods)
    elif out is not None:
        from bridgetune.evaluation.places import check_place

        check_place(out, force)
    elif force:
        raise RequestError("--force: given without --out, whose files it is for; leave it out")
    from bridgetune.cli.tables import show_findings
    from bridgetune.evaluation.aligning import align_pairs, read_evaluations
    from bridgetune.evaluation.findings import described, find

    read, left_out = read_evaluations(evaluations or ()), []
    if methods is not None:
        mustered = _muster(roster, out, trust_code)
        read, left_out = {**mustered.evaluations, **read}, mustered.left_out
    comparison = align_pairs(read, before=before or (), after=after or (), metrics=metric or ())
    comparison = replace(comparison, notes=(*left_out, *comparison.notes))
    findings = find(comparison, proposed, alpha)
    written: list[Path] = []
    if out is not None:
        from bridgetune.evaluation.published import about, beside
        from bridgetune.evaluation.write_up import write_report

        with ERRORS.status("drawing"):
            sections = [] if methods is None else [about(roster, comparison), *beside(roster, comparison)]
            written = write_report(findings, out, sections, force=force or methods is not None)
    if as_json:
        print_json({**described(findings), "files": [str(path) for path in written]})
        return
    show_findings(findings)
    if written:
        RESULTS.print(f"report, tables and figures: {written[0]}, and as a page beside it", markup=False)


def _muster(roster: Roster, out: Path | None, trust: bool) -> Mustered:
    """Evaluate what a roster lists, under a bar, with a line for each method that is left out."""
    from bridgetune.evaluation.mustering import muster

    assert out is not None
    with bar("part") as shown:
        task = shown.add_task("evaluating", total=None, part="")

        def tell(what: str, done: int, total: int, stem: str) -> None:
            shown.update(task, completed=done, total=total, part=f"{what}: {stem}")

        return muster(roster, out, tell, trust=trust)
