"""What came of a run, for people: `report.md` with curves in its folder, the same as a page; and as JSON."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridgetune.config.training import LABELLINGS
from bridgetune.destinations import REPLACE, check_absent, check_folder
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import replaced
from bridgetune.markdown import markdown_text, pipe_table
from bridgetune.pages import page
from bridgetune.paths import is_file, open_file, shown
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History, Series
from bridgetune.terms import CANNOT_TELL, PUSHES, TERMS, term_of

if TYPE_CHECKING:
    from bridgetune.runs.curves import Chart

REPORT, PAGE, FIGURES = "report.md", "report.html", "figures"

_STAGES = {
    "pretrain": "Stage 1: supervised training",
    "finetune": "Stage 2: BridgeTune, dual adversarial fine-tuning",
}

_PUSHED = {
    "push_wrong_homogeneous": "decided wrongly, in homogeneous regions",
    "push_wrong_off_seam": "decided wrongly, off the seam",
    "push_right_homogeneous": "decided rightly, in homogeneous regions",
    "push_right_off_seam": "decided rightly, off the seam",
}

_MARK = "As bridgetune wrote it, sha256 "

_MEAN_OVER = 1 / 20
"""Of the run: what a number in the table of losses is the mean of."""


def check_place(run: RunDirectory, force: bool = False) -> None:
    """Refuse a report that could not be written, or that would replace what a person wrote.

    A report that is as bridgetune wrote it is made anew from the run's records; one that was edited is replaced where
    `force` says so.

    Raises:
        RequestError: One line that says why.
    """
    for folder in (run.path, run.path / FIGURES):
        check_folder(folder, "the report")
    for path in (run.path / REPORT, run.path / PAGE):
        if is_file(path) and not force:
            with open_file(path) as file:
                if not _is_own(file.read()):
                    raise RequestError(f"{shown(path)}: exists already, and is not as bridgetune wrote it; {REPLACE}")
        check_absent([path], force=True)


def write_report(run: RunDirectory, *, force: bool = False) -> list[Path]:
    """Write `report.md`, `report.html` and `figures/*.png` into a run's folder, from its records alone.

    At any time: a run that is going on, was killed or has not begun is reported as far as it has come. Without
    matplotlib the report has no charts, and says so. All is made before any of it is written.

    Args:
        run: Its folder.
        force: Replace a report that is not as bridgetune wrote it, see `check_place`.

    Returns:
        What was written, the report first.

    Raises:
        RequestError: The folder is no run's, or it cannot or may not be written to.
        WorkError: It cannot be written there.
    """
    history = History(run)
    check_place(run, force)
    drawn = _charts(history)
    said = report(history, drawn)
    pictures = {f"{FIGURES}/{chart.name}.png": chart.png for chart in drawn or ()}
    curves = {f"{FIGURES}/{chart.name}.png": chart.panels for chart in drawn or ()}
    shown = page(history.name, [said, *run.maps.sliders()], pictures, curves)
    files = {REPORT: _marked((said + run.maps.markdown()).encode()), PAGE: _marked(shown.encode())} | pictures
    try:
        for name, content in files.items():
            (run.path / name).parent.mkdir(exist_ok=True)
            with replaced(run.path / name) as partial:
                partial.write_bytes(content)
    except OSError as error:
        raise WorkError(f"{run.path}: the report cannot be written there ({error.strerror})") from error
    return [run.path / name for name in files]


def _marked(content: bytes) -> bytes:
    return content + f"\n<!-- {_MARK}{hashlib.sha256(content).hexdigest()} -->\n".encode()


def _is_own(content: bytes) -> bool:
    return content == _marked(content.rpartition(b"\n<!-- ")[0])


def described(run: RunDirectory) -> dict[str, Any]:
    """The same as one JSON document; what is not known is null.

    Raises:
        RequestError: The folder is no run's.
    """
    history = History(run)
    seconds = history.series("seconds").values
    errors = {}
    for name in ("map_error", "homogeneous_error"):
        known = history.series(name).values
        at_best = (history.best or {}).get(name)
        errors[name] = {
            "first": float(known[0]) if len(known) else None,
            "last": float(known[-1]) if len(known) else None,
            "at_best": at_best,
        }
    return {
        "run": str(run.path),
        "stage": history.decided["stage"],
        "state": history.state,
        "steps_done": history.done,
        "steps": history.steps,
        "seconds_a_step": float(np.median(seconds)) if len(seconds) else None,
        "best_step": history.best["step"] if history.best else None,
        **errors,
        "pushes": {
            name: {"first": _known(first), "last": _known(last)} for name, (first, last) in history.pushes().items()
        },
        "losses": {
            name: {"first": means[0], "middle": means[len(means) // 2], "last": means[-1]}
            for name, means in _loss_means(history).items()
        },
        "unreadable_lines": history.unreadable,
    }


def _known(share: float) -> float | None:
    return None if math.isnan(share) else share


def report(history: History, drawn: list[Chart] | None) -> str:
    """`report.md`.

    Args:
        history: Of the run.
        drawn: Its charts; None where matplotlib is not installed.
    """
    stage = _STAGES.get(history.decided["stage"], history.decided["stage"])
    parts = [f"# {markdown_text(history.name)}", f"{markdown_text(stage)}. {_ended(history)}"]
    parts.append("## What was trained\n\n" + pipe_table(["", ""], list(_facts(history)), left=(0, 1)))
    parts.append("## What came of it\n\n" + "\n".join(f"- {line}" for line in _outcome(history)))
    if history.pushes():
        parts.append("## Which way the map was pushed\n\n" + _push_table(history))
    if history.training:
        parts.append("## Losses\n\n" + _loss_table(history))
    if drawn is None:
        parts.append("Curves are drawn where matplotlib is installed: `pip install 'bridgetune[train]'`.")
    elif drawn:
        parts.append("## Curves")
        parts += [
            f"![{markdown_text(chart.title)}]({FIGURES}/{chart.name}.png)\n\n*{chart.caption}*" for chart in drawn
        ]
    return "\n\n".join(parts) + "\n"


def _charts(history: History) -> list[Chart] | None:
    try:
        from bridgetune.runs.curves import charts
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "matplotlib":
            raise
        return None
    return charts(history)


def _ended(history: History) -> str:
    done = f"{history.done:,} of {history.steps:,} steps"
    return {
        "finished": f"**Finished:** {done}.",
        "stopped early": f"**Stopped early** after {done}: the map error had not fallen for"
        f" {history.config.get('patience')} validations.",
        "unfinished": f"**Not finished:** {done} so far; it is running, or was interrupted, and the same command with"
        " `--resume` goes on.",
    }[history.state]


def _facts(history: History) -> Iterator[list[str]]:
    decided, config = history.decided, history.config
    origin = (decided.get("generator") or {}).get("origin") or {}
    named = origin.get("generator") or origin.get("factory") or "a network of your own"
    whose = f" ({origin['distribution']} {origin.get('version', '')})" if origin.get("distribution") else ""
    yield ["generator", markdown_text(f"{named}{whose}")]
    if config.get("adversarial") in LABELLINGS:
        yield ["labels of unlabelled pairs", f"{config['adversarial']}, weight {config.get('pseudo_weight', 1):g}"]
    elif config.get("alpha") is not None:
        yield ["α (Eq. 12)", _alpha(history)]
    if decided.get("discriminator"):
        yield ["discriminators", markdown_text(str(decided["discriminator"]))]
    yield ["recipe", markdown_text(str(config.get("recipe", "")))]
    pairs = decided.get("pairs") or {}
    if pairs.get("source"):
        yield ["pairs", markdown_text(f"{pairs.get('training', 0):,} of {pairs['source']}")]
    if pairs.get("unlabelled"):
        yield ["pairs without masks", markdown_text(str(pairs["unlabelled"]))]
    yield ["held-out pairs", f"{pairs.get('validation', 0):,}"]
    if decided.get("references"):
        yield ["references", markdown_text(str(decided["references"]))]
    size = config.get("size")
    yield ["batch", f"{config.get('batch')} pairs of {size}×{size}"]
    yield ["learning rate", f"{config.get('learning_rate', math.nan):g}, cosine to 0"]
    yield ["seed", str(config.get("seed"))]
    yield ["device", markdown_text(f"{decided.get('device')}{_processes(decided)}")]
    seconds = history.series("seconds").values
    if len(seconds):
        yield ["time", f"{np.median(seconds):.3g} s a step (median); {_duration(float(seconds.sum()))} in all steps"]
    versions = decided.get("versions") or {}
    yield ["versions", markdown_text(", ".join(f"{name} {value}" for name, value in versions.items()))]


def _alpha(history: History) -> str:
    given = history.config["alpha"]
    if isinstance(given, int | float):
        return f"{given:g}"
    seen = history.series("alpha").values
    moved = f"; from {seen[0]:.2g} to {seen[-1]:.2g}" if len(seen) else ""
    return f"{given}: adversarial share {history.config.get('adversarial_share', math.nan):g}{moved}"


def _processes(decided: dict[str, Any]) -> str:
    count = decided.get("processes", 1)
    return f", {count} processes" if count > 1 else ""


def _outcome(history: History) -> Iterator[str]:
    best, errors = history.best, history.series("map_error")
    if best is None:
        yield "The map error was not measured: " + (
            "no validation was recorded yet." if history.validations or _holds_out(history) else "no pairs held out."
        )
    else:
        yield f"Held-out map error, all pixels: {_from_to(errors)}."
        homogeneous = history.series("homogeneous_error")
        if homogeneous:
            yield f"Inside homogeneous regions: {_from_to(homogeneous)}."
        else:
            yield "No held-out pair has a homogeneous region, so nothing is said of these."
        step, share = best["step"], best["map_error"]
        is_last = step == history.validations[-1]["step"]
        where = ", the last" if is_last else ": its generator is in `best/`, the last one in `generator/`"
        yield f"Best validation: {share:.2%} at step {step:,}{where}."
    means = _loss_means(history)
    for term in TERMS.values():
        last = means.get(term.name, [None])[-1]
        if term.drawn_as == "discriminator" and last is not None:
            yield (
                f"The {term.domain} discriminator ended at {last:.2f}: at {CANNOT_TELL:.2f} it cannot tell, at 0 it"
                f" always can, and above {CANNOT_TELL:.2f} it does worse than one that answers the same to all."
            )
    if history.unreadable:
        count = history.unreadable
        lines, are, are_left = ("lines", "are", "they are") if count > 1 else ("line", "is", "it is")
        yield f"{count} {lines} of metrics.jsonl {are} cut off or unreadable; {are_left} left out here."


def _holds_out(history: History) -> bool:
    return bool((history.decided.get("pairs") or {}).get("validation"))


def _from_to(series: Series) -> str:
    first, last = (f"{series.values[place]:.2%} at step {series.steps[place]:,.0f}" for place in (0, -1))
    return first if len(series.values) == 1 else f"{first}, {last}"


def _push_table(history: History) -> str:
    steps = [record["step"] for record in history.validations if PUSHES[0] in record]
    heads = list(dict.fromkeys(f"step {step:,}" for step in (steps[0], steps[-1])))
    rows = []
    for name, both in history.pushes().items():
        said = ["–" if math.isnan(share) else f"{share:.1%}" for share in both]
        rows.append([_PUSHED[name], *said[: len(heads)]])
    table = pipe_table(["held-out pixels", *heads], rows, left=(0,))
    form = history.config.get("adversarial")
    pushing = f"the labels of `{form}` push" if form in LABELLINGS else "the adversarial gradient pushes"
    return (
        f"{table}\n\nShare of them that {pushing} to the right side; near 50 % a coin would do as well. Off the seam is"
        " away from the true boundary."
    )


def _loss_table(history: History) -> str:
    windows = _windows(len(history.training))
    spans = []
    for start, stop in windows:
        first, last = history.training[start]["step"], history.training[stop - 1]["step"]
        spans.append(f"step {first:,}" if first == last else f"steps {first:,}–{last:,}")
    rows = []
    for name, means in _loss_means(history).items():
        numbers = ["–" if mean is None else f"{mean:.4g}" for mean in means]
        rows.append([f"`{name}`", *numbers, term_of(name).definition])
    table = pipe_table(["loss", *spans, "what it is"], rows, left=(0, len(spans) + 1))
    return f"{table}\n\nMeans over the steps named at the top; names are those of `metrics.jsonl`."


def _loss_means(history: History) -> dict[str, list[float | None]]:
    """Of every loss that was recorded, see `History.terms`, at the beginning, the middle and the end."""
    windows = _windows(len(history.training))
    means: dict[str, list[float | None]] = {}
    for term in history.terms():
        series = history.series(term.name)
        means[term.name] = []
        for start, stop in windows:
            first, last = history.training[start]["step"], history.training[stop - 1]["step"]
            within = series.values[(series.steps >= first) & (series.steps <= last)]
            means[term.name].append(float(within.mean()) if len(within) else None)
    return means


def _windows(count: int) -> list[tuple[int, int]]:
    """Where the beginning, the middle and the end of so many records are; fewer where there are fewer records."""
    size = max(1, round(count * _MEAN_OVER))
    starts = sorted({0, (count - size) // 2, count - size}) if count else []
    return [(start, start + size) for start in starts]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
