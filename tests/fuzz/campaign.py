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

from tests.fuzz.harness import Bench, Case, fault

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
    """

    classes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def run_cases(
    cases: SearchStrategy[Case],
    *,
    seed: int,
    seconds: float = float("inf"),
    most: int | None = None,
    keep: Path | None = None,
    report: Callable[[str], None] = print,
) -> Counts:
    """Draw and run cases until the time is up or there are enough.

    Args:
        cases: What is drawn from.
        seed: Of the first round of `ROUND` cases; the next ones have the next seeds.
        seconds, most: When to end.
        keep: Where each case with a fault is written, as a folder to try it in.
        report: Is told of each fault.
    """
    counts, until = Counts(), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        try:
            while time.monotonic() < until and (most is None or counts.classes.total() < most):
                _round(bench, cases, seed, until, most, counts, keep, report)
                seed += 1
        finally:
            bench.close()
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
        counts.classes[answer.kind] += 1
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
