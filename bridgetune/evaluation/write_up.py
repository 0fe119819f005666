"""A comparison as files: `report.md`, the same as a page, and the tables and figures that it ties together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from bridgetune._version import __version__
from bridgetune.destinations import check_absent
from bridgetune.errors import WorkError
from bridgetune.evaluation.figures import bars, before_after, critical_difference, paper, saved, stability
from bridgetune.evaluation.findings import DatasetFindings, Findings, PairFindings
from bridgetune.evaluation.places import FIGURES, PAGE, REPORT, TABLES, check_place
from bridgetune.evaluation.ranks import ALL_METRICS
from bridgetune.evaluation.rendering import comma_separated, latex, markdown
from bridgetune.evaluation.tables import Table
from bridgetune.evaluation.wording import listed, p_number
from bridgetune.files import clear_partial, replaced
from bridgetune.locking import held
from bridgetune.markdown import markdown_code, markdown_text, pipe_table
from bridgetune.pages import Chart, charts_of, page


@dataclass(frozen=True)
class Section:
    """A part of the report that stands before what the comparison found.

    Attributes:
        title: In plain text.
        text: Markdown above the tables.
        tables: In this order.
    """

    title: str
    text: str
    tables: tuple[Table, ...] = ()


def write_report(findings: Findings, out: Path, sections: Sequence[Section] = (), *, force: bool = False) -> list[Path]:
    """Write the report (Markdown, HTML), its tables (Markdown, CSV, LaTeX) and its figures (PNG, PDF) into a folder.

    All of it is made before any of it is written. Other files in the folder are left alone.

    Args:
        findings: See `find`.
        out: The folder.
        sections: Put before them.
        force: Replace files of the same names.

    Returns:
        What was written, the report first.

    Raises:
        RequestError: `out` is no folder that can be written to, or holds files of the same names, or another process
            writes there; nothing is written.
        WorkError: It cannot be written there.
    """
    check_place(out, force)
    said = report(findings, sections)
    files: dict[str, bytes] = {REPORT: said.encode()}
    curves: dict[str, tuple[Chart, ...]] = {}
    for table in [*(table for section in sections for table in section.tables), *_tables(findings)]:
        for suffix, render in (("md", markdown), ("csv", comma_separated), ("tex", latex)):
            files[f"{TABLES}/{table.name}.{suffix}"] = render(table).encode()
    with paper():
        for name, figure in _figures(findings):
            if name.startswith("stability-"):
                curves[f"{FIGURES}/{name}.png"] = charts_of(figure)
            for kind, content in saved(figure).items():
                files[f"{FIGURES}/{name}.{kind}"] = content
    pictures = {name: content for name, content in files.items() if name.endswith(".png")}
    title = f"{listed(findings.comparison.methods)}, compared"
    files[PAGE] = page(title, [said], pictures, curves).encode()
    check_absent([out / name for name in files], force)
    with held(out) as since:
        try:
            for folder in (out, out / TABLES, out / FIGURES):
                folder.mkdir(exist_ok=True)
                clear_partial(folder, since)
            for name, content in files.items():
                with replaced(out / name) as partial:
                    partial.write_bytes(content)
        except OSError as error:
            raise WorkError(f"{out}: cannot be written ({error.strerror}); name another place") from error
    return [out / name for name in files]


def report(findings: Findings, sections: Sequence[Section] = ()) -> str:
    """`report.md`: Markdown that shows the tables and links the figures beside it."""
    comparison = findings.comparison
    datasets = [f"{scores.dataset} ({len(scores.images)} images)" for scores in comparison.datasets]
    about = (
        f"{markdown_text(listed(comparison.methods))} on {markdown_text(listed(datasets))}. Fusion metrics in the"
        f" *{comparison.convention}* convention. Tests at the level {findings.alpha:g}; ↑ higher is better, ↓ lower;"
        f" **best**, <ins>second</ins>. Written by bridgetune {__version__}."
    )
    count = len(comparison.methods)
    parts = [f"# {count} method{'s' * (count > 1)} compared", about]
    for section in sections:
        parts += [f"## {markdown_text(section.title)}", section.text]
        for table in section.tables:
            parts += [markdown(table), _sources(table)]
    parts += ["## Ranks", markdown(findings.ranks), _sources(findings.ranks), _RANKS_EXPLAINED]
    for found in findings.scopes:
        parts += _scope(found)
    if comparison.notes:
        parts.append("## Left out and taken for granted\n\n" + _points(comparison.notes))
    if comparison.definitions:
        defined = [f"{markdown_code(name)}: {markdown_text(text)}" for name, text in comparison.definitions.items()]
        parts.append("## Definitions\n\n" + "\n".join(f"- {line}" for line in defined))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


_RANKS_EXPLAINED = (
    "By means: methods are ranked by their mean score in each metric, and the ranks averaged over the metrics; over"
    " several datasets, averaged over the datasets. The tests below rest on ranks by image instead: methods are ranked"
    " on each image; for all metrics together, the ranks on an image are averaged over the metrics and ranked again, so"
    " that an image counts as one observation."
)


def _scope(found: DatasetFindings) -> Iterator[str]:
    scores = found.scores
    yield f"## {markdown_text(scores.dataset[0].upper() + scores.dataset[1:])}"
    yield markdown(found.table)
    yield _sources(found.table)
    yield _figure("bars", found, "Mean scores; bars start at zero")
    if not found.pooled:
        yield _figure("stability", found, "Scores of every image")
    if found.image_ranks is not None:
        yield "### Do the methods differ?"
        if found.pooled:
            yield "Over the images of all datasets: every image counts once, so that larger datasets weigh more."
        yield markdown(found.image_ranks)
        yield _sources(found.image_ranks)
        yield _points(found.said[: len(found.said) - sum(len(pair.said) for pair in found.pairs)])
        if found.friedman:
            yield _friedman_table(found)
        if ALL_METRICS in found.nemenyi:
            yield _figure("critical-difference", found, "Critical-difference diagram, all metrics together")
    if found.before_after is not None:
        yield "### Before and after"
        yield markdown(found.before_after)
        yield _sources(found.before_after)
        for number, pair in enumerate(found.pairs, 1):
            yield f"**{markdown_text(pair.pair.before)} → {markdown_text(pair.pair.after)}**"
            yield _points(pair.said)
            yield _paired_table(pair)
            yield _figure(f"before-after-{number}", found, "Differences of every image")


def _friedman_table(found: DatasetFindings) -> str:
    rows = []
    for metric, test in found.friedman.items():
        posthoc = found.nemenyi.get(metric)
        others = (
            [] if posthoc is None else [method for method in posthoc.alike(test.best[0]) if method not in test.best]
        )
        alike = "–" if posthoc is None else listed(others) if others else "none"
        critical = "–" if posthoc is None else f"{posthoc.critical_difference:.2f}"
        numbers = [str(test.images), f"{test.statistic:.2f}", p_number(test.p)]
        holm = "–" if metric == ALL_METRICS else p_number(found.friedman_holm[metric])
        rows.append([metric, *numbers, holm, critical, f"{listed(test.best)} ({test.ranks[test.best[0]]:.2f})", alike])
    heads = ["metric", "n", "Friedman χ²", "p", "p (Holm)", "CD", "ranks best", "not told apart from it"]
    return pipe_table(heads, [[markdown_text(cell) for cell in row] for row in rows], left=(0, 6, 7))


def _paired_table(pair: PairFindings) -> str:
    rows = []
    for test in pair.tests:
        counts = [f"{test.images}", f"{test.dropped}", f"{test.equal}", f"{test.better}", f"{test.worse}"]
        effect = "–" if test.effect is None else f"{test.effect:+.2f}"
        p_values = [p_number(test.p), p_number(test.p_holm)]
        rows.append([test.metric, *counts, f"{test.median:+.2g}", effect, *p_values])
    heads = ["metric", "n", "no value", "equal", "better", "worse", "median difference", "effect r"]
    table = pipe_table([*heads, "p", "p (Holm)"], [[markdown_text(row[0]), *row[1:]] for row in rows])
    return (
        f"{table}\n\nn: images on which both have a value. Wilcoxon leaves equal images out. Effect: matched-pairs"
        " rank-biserial correlation, +1 where every image is better, −1 where every one is worse."
    )


def _tables(findings: Findings) -> Iterator[Table]:
    yield findings.ranks
    for found in findings.scopes:
        yield from (table for table in (found.table, found.image_ranks, found.before_after) if table is not None)


def _figures(findings: Findings) -> Iterator[tuple[str, Figure]]:
    for found in findings.scopes:
        yield f"bars-{found.name}", bars(found.scores, found.table)
        if not found.pooled:
            yield f"stability-{found.name}", stability(found.scores, findings.proposed)
        if ALL_METRICS in found.nemenyi:
            figure = critical_difference(found.friedman[ALL_METRICS], found.nemenyi[ALL_METRICS])
            yield f"critical-difference-{found.name}", figure
        for number, pair in enumerate(found.pairs, 1):
            yield f"before-after-{number}-{found.name}", before_after(found.scores, pair.pair, pair.tests)


def _figure(kind: str, found: DatasetFindings, caption: str) -> str:
    name = f"figures/{kind}-{found.name}"
    return f"![{caption}, {markdown_text(found.scores.dataset)}]({name}.png)\n\n*{caption} ([PDF]({name}.pdf)).*"


def _sources(table: Table) -> str:
    return f"[CSV](tables/{table.name}.csv) · [LaTeX](tables/{table.name}.tex)"


def _points(sentences: list[str] | tuple[str, ...]) -> str:
    return "\n".join(f"- {markdown_text(sentence)}" for sentence in sentences)
