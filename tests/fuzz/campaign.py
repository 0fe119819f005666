"""Many cases drawn from a seed, counted by what became of them."""

from __future__ import annotations

import importlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.strategies import SearchStrategy

from tests.fuzz.harness import Answer, Bench, Case, fault

CAMPAIGNS = ("images", "documents", "command_lines", "kills")
"""Modules of this folder; one that is not there is left out."""

ROUND = 50
"""Cases that one seed draws."""


@dataclass
class Counts:
    """What became of a campaign's cases.

    Attributes:
        classes: How many were done, refused, failed, and so on.
        faults: Of each: the seed, its number, what is wrong, and the command.
        seconds, memory: Of its own time that a case of each kind took at most, and bytes; see `Answer`.
    """

    classes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)

    def add(self, answer: Answer) -> None:
        """Count an answer."""
        kind = answer.kind
        self.classes[kind] += 1
        self.seconds[kind] = max(self.seconds.get(kind, 0.0), answer.seconds)
        self.memory[kind] = max(self.memory.get(kind, 0), answer.memory)

    def told(self) -> str:
        """How many there were of each kind, and what they took at most."""
        kinds = []
        for kind, count in sorted(self.classes.items()):
            most = (
                f" (at most {self.seconds[kind]:.1f} s, {self.memory[kind] >> 20} MB)" if kind in self.seconds else ""
            )
            kinds.append(f"{kind} {count}{most}")
        return f"{', '.join(kinds) or 'nothing'}; {len(self.faults)} faults"


def run_cases(
    cases: SearchStrategy[Case],
    *,
    seed: int,
    seconds: float = float("inf"),
    most: int | None = None,
    keep: Path | None = None,
    report: Callable[[str], None] = print,
    bench: type[Bench] = Bench,
) -> Counts:
    """Draw and run cases until the time is up or there are enough.

    Args:
        cases: What is drawn from.
        seed: Of the first round of `ROUND` cases; the next ones have the next seeds.
        seconds, most: When to end.
        keep: Where each case with a fault is written, as a folder to try it in.
        report: Is told of each fault.
        bench: Which runs them.
    """
    counts, until = Counts(), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        running = bench(Path(place))
        try:
            while time.monotonic() < until and (most is None or counts.classes.total() < most):
                _round(running, cases, seed, until, most, counts, keep, report)
                seed += 1
        finally:
            running.close()
    return counts


def _round(
    bench: Bench,
    cases: SearchStrategy[Case],
    seed: int,
    until: float,
    most: int | None,
    counts: Counts,
    keep: Path | None,
    report: Callable[[str], None],
) -> None:
    numbers = iter(range(ROUND * 10))

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=ROUND,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(cases)
    def one(case: Case) -> None:
        number = next(numbers)
        if time.monotonic() > until or (most is not None and counts.classes.total() >= most):
            return
        answer = bench.run(case)
        wrong = fault(case, answer)
        counts.add(answer)
        if wrong is None:
            return
        told = f"seed {seed}, case {number}: {wrong}; bridgetune {' '.join(map(ascii, case.arguments))}"
        counts.faults.append(told)
        report(told)
        if keep is not None:
            bench.keep(case, keep / f"{seed}-{number}")

    one()


def run_campaign(name: str, *, seed: int, seconds: float, keep: Path | None) -> Counts:
    """Run a module's campaign; an empty one where there is no such module."""
    try:
        module = importlib.import_module(f"tests.fuzz.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"tests.fuzz.{name}":
            raise
        return Counts()
    if hasattr(module, "campaign"):
        own: Counts = module.campaign(seconds=seconds, seed=seed, keep=keep)
        return own
    return run_cases(module.cases(), seed=seed, seconds=seconds, keep=keep)
