"""What the verbs share: where they print, and the progress of training."""

from __future__ import annotations

import io
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from bridgetune.paths import printable
from bridgetune.terms import PUSHES, TERMS


class PlainConsole(Console):
    r"""A console to which every string is plain text: no markup, no emoji, control characters as `\x1b`."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text as it is; lines stay lines."""
        lines = "\n".join(map(printable, text.split("\n")))
        return super().render_str(lines, **{**options, "markup": False, "emoji": False})


class _Plain(TextColumn):
    """A field of a progress bar, as plain text."""

    def render(self, task: Task) -> Text:
        return Text(printable(self.text_format.format(task=task)))


RESULTS = PlainConsole(soft_wrap=True, highlight=False)
"""Standard output: what was asked for."""

ERRORS = PlainConsole(stderr=True, soft_wrap=True, highlight=False)
"""Standard error: everything else."""


def show_anything() -> None:
    """Have standard output and error escape what their encoding lacks: a name that is no UTF-8, an α in LC_ALL=C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    RESULTS.out(json.dumps(document, indent=2, allow_nan=False), highlight=False)


def bar(*columns: str) -> Progress:
    """A progress bar on standard error, drawn only when that is a terminal.

    Args:
        columns: Names of fields shown behind the bar.
    """
    return Progress(
        _Plain("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        *(_Plain(f"{{task.fields[{name}]}}") for name in columns),
        console=ERRORS,
        disable=not ERRORS.is_terminal,
    )


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of so many of something; told how many are done and how many there are."""
    with bar() as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


@contextmanager
def share_bar(name: str, after: float = 1.0) -> Iterator[Callable[[float], None]]:
    """A progress bar of one piece of work in per cent, drawn only when standard error is a terminal.

    Args:
        name: What is shown before it.
        after: Seconds that the work may take without one.

    Yields:
        What is to be told the share that is done, in [0, 1].
    """
    drawn = Progress(
        _Plain("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=ERRORS,
        disable=not ERRORS.is_terminal,
    )
    task = drawn.add_task(name, total=1.0)
    begun = time.monotonic()

    def told(share: float) -> None:
        drawn.update(task, completed=share)
        if not drawn.live.is_started and time.monotonic() - begun >= after:
            drawn.start()

    try:
        yield told
    finally:
        drawn.stop()


class Drawn:
    """A bar that is there within, for what shows on it how far it is.

    Args:
        told: What it says beside the counts, see `bar`.
    """

    def __init__(self, told: str) -> None:
        self._bar = bar(told)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class TrainingProgress(Drawn):
    """Shows the records of training runs: on a terminal a bar with the losses, always a line per validation."""

    def __init__(self) -> None:
        super().__init__("losses")

    def of(self, stage: str) -> Callable[[dict[str, Any]], None]:
        """What a stage reports its records to."""
        task = self._bar.add_task(stage, total=None, losses="")

        def report(record: dict[str, Any]) -> None:
            if "map_error" not in record:
                names = (term.name for term in TERMS.values() if term.in_bar and term.name in record)
                shown = " ".join(f"{name} {record[name]:.3f}" for name in names)
                self._bar.update(task, completed=record["step"], total=record["steps"], losses=shown)
                return
            self._bar.console.print(
                f"{stage}: step {record['step']}: held-out map error {percent(record['map_error'])},"
                f" in homogeneous regions {percent(record['homogeneous_error'])}"
            )
            if record["step"] == 0 and PUSHES[0] in record:
                self._bar.console.print(f"{stage}: step 0: {pushes({name: percent(record[name]) for name in PUSHES})}")

        return report


def pushes(said: Mapping[str, str]) -> str:
    """How often the map is pushed to the right side, in a line.

    Args:
        said: Of each of `PUSHES`.
    """
    return (
        f"pushed to the right side: of the wrong pixels {said['push_wrong_homogeneous']} in homogeneous regions,"
        f" {said['push_wrong_off_seam']} off the seam; of the right ones {said['push_right_homogeneous']},"
        f" {said['push_right_off_seam']}"
    )


def percent(share: float) -> str:
    """A share as per cent; a dash where there was nothing to share."""
    return "–" if math.isnan(share) else f"{share:.2%}"
