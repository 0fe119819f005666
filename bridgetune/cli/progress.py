"""How far work is: on a terminal a bar, in a log a line a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from bridgetune.cli.console import ERRORS, percent, pushes
from bridgetune.paths import printable
from bridgetune.terms import PUSHES, TERMS

PERIOD = 60.0
"""Seconds between two lines where there is no terminal."""


class _Plain(TextColumn):
    """A field of a progress bar, as plain text."""

    def render(self, task: Task) -> Text:
        return Text(printable(self.text_format.format(task=task)))


class _Logged(Progress):
    """A bar on a terminal. Where there is none, a line every `PERIOD` seconds of work says the same.

    Args:
        count: Shows how much is done, behind the bar.
        fields: Names of what each task is shown with behind that.
    """

    def __init__(self, count: ProgressColumn, *fields: str) -> None:
        told = [_Plain(f"{{task.fields[{name}]}}") for name in fields]
        name, *others = columns = _Plain("{task.description}"), count, TimeRemainingColumn(), *told
        super().__init__(name, BarColumn(), *others, console=ERRORS, disable=not ERRORS.is_terminal)
        self._said = columns
        self._next = self.get_time() + PERIOD

    def update(self, task_id: Any, **told: Any) -> None:
        super().update(task_id, **told)
        if not self.disable or self.get_time() < self._next:
            return
        self._next = self.get_time() + PERIOD
        task = self._tasks[task_id]
        name, count, left, *behind = (str(column.render(task)).strip() for column in self._said)
        if task.time_remaining is not None:
            count = f"{count}, {left} left"
        ERRORS.print(" ".join(filter(None, (f"{name}: {count}", *behind))))


def bar(*columns: str) -> Progress:
    """A progress bar on standard error; where that is no terminal, a line a minute.

    Args:
        columns: Names of fields shown behind the bar.
    """
    return _Logged(MofNCompleteColumn(), *columns)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of so many of something; told how many are done and how many there are."""
    with bar() as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


@contextmanager
def share_bar(name: str, after: float = 1.0) -> Iterator[Callable[[float], None]]:
    """A progress bar of one piece of work in per cent; where there is no terminal, a line a minute.

    Args:
        name: What is shown before it.
        after: Seconds that the work may take without one.

    Yields:
        What is to be told the share that is done, in [0, 1].
    """
    drawn = _Logged(TaskProgressColumn())
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
