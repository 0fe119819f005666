"""A run as its folder tells it: `config.json` and `metrics.jsonl`, also while it runs, or where it was killed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgetune.errors import RequestError
from bridgetune.paths import as_text, check_folder, entries, is_file, resolved, shown
from bridgetune.runs.directory import EXPECTED, RunDirectory
from bridgetune.runs.documents import Record, read_decided, read_records
from bridgetune.terms import PUSHES, TERMS, VALIDATED, Term, is_term, term_of

Numbers = NDArray[np.float64]

State = Literal["finished", "stopped early", "unfinished"]
"""`stopped early`: the map error no longer fell, see `patience`. `unfinished`: running, or interrupted."""


@dataclass(frozen=True)
class Series:
    """One quantity over the run.

    Attributes:
        steps: Ascending, (N,).
        values: (N,), finite.
    """

    steps: Numbers
    values: Numbers

    def __bool__(self) -> bool:
        return len(self.steps) > 0

    def scaled(self, factor: float) -> Series:
        """The same, times a factor."""
        return Series(self.steps, factor * self.values)

    def times(self, other: Series) -> Series:
        """The product, at the steps that both have."""
        steps, mine, its = np.intersect1d(self.steps, other.steps, assume_unique=True, return_indices=True)
        return Series(steps, self.values[mine] * other.values[its])


class History:
    """What was recorded of a run.

    Args:
        run: Its folder; nothing but `config.json` and `metrics.jsonl` is read.

    Attributes:
        name: Of the folder.
        decided: What `config.json` says.
        training: A record for each step that was done, in order; of a step that was done twice, the later.
        validations: Likewise, of the held-out pairs.
        unreadable: Lines of `metrics.jsonl` that were cut off: the last one, where the run was killed, or none.

    Raises:
        RequestError: The folder is no run's, or one of its two files is damaged.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.name = as_text(resolved(run.path).name)
        self.decided = _decided(run)
        training: dict[int, Record] = {}
        validations: dict[int, Record] = {}
        records, self.unreadable = read_records(run.metrics) if run.metrics.is_file() else ([], 0)
        for record in records:
            (validations if "map_error" in record else training)[record["step"]] = record
        self.training = [training[step] for step in sorted(training)]
        self.validations = [validations[step] for step in sorted(validations)]
        self._series: dict[str, Series] = {}

    @property
    def config(self) -> dict[str, Any]:
        """The stage's settings, as `config.json` has them."""
        found: dict[str, Any] = self.decided.get("config") or {}
        return found

    @property
    def steps(self) -> int:
        """That the run was to have."""
        return int(self.decided["steps"])

    @property
    def done(self) -> int:
        """The last step that was done; 0 before the first."""
        return int(self.training[-1]["step"]) if self.training else 0

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.done >= self.steps:
            return "finished"
        patience = int(self.config.get("patience") or 0)
        return "stopped early" if 0 < patience <= self._stale() else "unfinished"

    @property
    def first_map_error(self) -> float:
        """Of the held-out pairs, as the run began; NaN where it was not measured."""
        return _number(self.validations[0]["map_error"]) if self.validations else math.nan

    @property
    def best(self) -> Record | None:
        """The validation with the lowest map error, the earliest of equals; None where none was measured."""
        measured = [record for record in self.validations if not math.isnan(_number(record["map_error"]))]
        return min(measured, key=lambda record: _number(record["map_error"]), default=None)

    def pushes(self) -> dict[str, tuple[float, float]]:
        """`PUSHES` at the first and at the last validation that has them; empty where none has, NaN where unknown."""
        told = [record for record in self.validations if PUSHES[0] in record]
        return {name: (_number(told[0][name]), _number(told[-1][name])) for name in PUSHES} if told else {}

    def names(self) -> list[str]:
        """Of all that training recorded, in the records' order."""
        return list(dict.fromkeys(name for record in self.training for name in record))

    def terms(self) -> list[Term]:
        """The losses among them, in the table's order; those that are in no table come last."""
        recorded = [name for name in self.names() if is_term(name)]
        known = [name for name in TERMS if name in recorded]
        return [term_of(name) for name in dict.fromkeys([*known, *recorded])]

    def series(self, name: str) -> Series:
        """A quantity of training or of validation; empty where it was not recorded. What is null is left out."""
        if name not in self._series:
            self._series[name] = self._gathered(name)
        return self._series[name]

    def _gathered(self, name: str) -> Series:
        records = self.validations if name in VALIDATED else self.training
        points = [(record["step"], _number(record.get(name))) for record in records]
        steps, values = np.array(points, np.float64).reshape(-1, 2).T
        known = np.isfinite(values)
        return Series(steps[known], values[known])

    def _stale(self) -> int:
        """Validations in a row, up to now, that were no better than one before them."""
        least, stale = math.inf, 0
        for record in self.validations:
            error = _number(record["map_error"])
            least, stale = (error, 0) if error < least else (least, stale + 1)
        return stale


def _decided(run: RunDirectory) -> dict[str, Any]:
    check_folder(run.path, EXPECTED)
    if not is_file(run.config):
        inside = sorted(path for path in entries(run.path) if is_file(path / run.metrics.name))
        mend = f"; did you mean {' or '.join(map(shown, inside))}?" if inside else ""
        raise RequestError(f"{shown(run.path)}: has no config.json, expected {EXPECTED}{mend}")
    return read_decided(run.config, EXPECTED)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
