"""What the verbs share: where they print, and the progress of training."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

RESULTS = Console(soft_wrap=True, highlight=False)
"""Standard output: what was asked for."""

ERRORS = Console(stderr=True, soft_wrap=True, highlight=False)
"""Standard error: everything else."""


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    RESULTS.out(json.dumps(document, indent=2, allow_nan=False), highlight=False)


def bar(*columns: str) -> Progress:
    """A progress bar on standard error, drawn only when that is a terminal.

    Args:
        columns: Names of fields shown behind the bar.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in columns),
        console=ERRORS,
        disable=not ERRORS.is_terminal,
    )


class TrainingProgress:
    """Shows the records of a training run: a bar with the losses on a terminal, a line per validation always."""

    def __init__(self, description: str) -> None:
        self._bar = bar("losses")
        self._task = self._bar.add_task(description, total=None, losses="")
        self._description = description
        self.first_error: float | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, record: dict[str, Any]) -> None:
        if "map_error" in record:
            if self.first_error is None:
                self.first_error = record["map_error"]
            self._bar.console.print(
                f"{self._description}: step {record['step']}: held-out map error {record['map_error']:.2%},"
                f" in homogeneous regions {record['homogeneous_error']:.2%}"
            )
            return
        names = ("loss", "supervised", "adversarial", "discriminator_clear", "discriminator_blurred")
        losses = " ".join(f"{name} {record[name]:.3f}" for name in names if name in record)
        self._bar.update(self._task, completed=record["step"], total=record["steps"], losses=losses)
