"""How a sweep gets on, and what came of each of its jobs, for those who watch it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["made", "kept", "failed"]
"""Made now, there already from an earlier start, or failed."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run, or of measuring a backbone's cost.

    Attributes:
        name: Of the job, for people.
        folder: Where it is kept.
        state: See `State`.
        seconds: That it took now.
        failure: Why it failed, in one line.
    """

    name: str
    folder: Path
    state: State
    seconds: float
    failure: str = ""


class SweepProgress:
    """Told how a sweep gets on; this one does nothing with it."""

    def began(self, name: str, number: int, count: int) -> None:
        """A job begins, `number` of `count`, from 1."""

    def advanced(self, doing: str, done: int, total: int) -> None:
        """The job's present part: stage 1, stage 2 or a dataset's name."""

    def ended(self, outcome: Outcome) -> None:
        """The job has ended."""


UNWATCHED = SweepProgress()
"""For who only waits for the result."""
