"""Blind votes between results: which two are shown, where, in which order, and what the votes say."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgetune.errors import RequestError

Choice = Literal["left", "right", "neither"]
"""Which of both is better."""

CELLS = 24
"""Along the longer side of a picture: places that can be shown."""


@dataclass(frozen=True)
class Trial:
    """Two results that are shown without their names.

    Attributes:
        number: Counted from 0.
        left, right: Which results they are.
        place: (right, down) of the middle of what is shown, as shares of the picture's width and height.
    """

    number: int
    left: int
    right: int
    place: tuple[float, float]


@dataclass(frozen=True)
class Row:
    """What the votes say of two results.

    Attributes:
        first, second: Which they are.
        for_first, for_second, neither: Votes.
        p: Of the two-sided sign test, see `sign_test`; None where nobody preferred either.
    """

    first: int
    second: int
    for_first: int
    for_second: int
    neither: int
    p: float | None


class Ballot:
    """Votes on the results of one sheet.

    Args:
        seed: What is drawn depends on it; None: on nothing that is known.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._drawn = random.Random(seed)
        self._votes: list[tuple[Trial, Choice]] = []
        self._trials: list[Trial] = []
        self.trial: Trial | None = None

    def draw(self, results: Sequence[int], small: Callable[[int], NDArray[Any]]) -> Trial:
        """What is voted on now: of two that were seen together least, a place where they differ.

        Args:
            results: That may be shown.
            small: Of each, its picture, reduced, (H, W, 3) uint8, all of one size.

        Raises:
            RequestError: No two of them differ anywhere.
        """
        if self.trial is not None and {self.trial.left, self.trial.right} <= set(results):
            return self.trial
        pairs = list(combinations(results, 2))
        self._drawn.shuffle(pairs)
        for pair in sorted(pairs, key=self._seen):
            apart = np.abs(small(pair[0]).astype(np.float32) - small(pair[1])).mean(2)
            if apart.any():
                left, right = self._drawn.sample(pair, 2)
                self.trial = Trial(len(self._trials), left, right, self._place(apart))
                self._trials.append(self.trial)
                return self.trial
        raise RequestError("vote: expected two results that differ; fuse by another method, or in another way")

    def vote(self, number: int, choice: Choice) -> None:
        """Count a vote; one on another trial than the one that is shown, sent twice say, is not counted.

        Args:
            number: Of the trial.
            choice: See there.
        """
        if self.trial is not None and self.trial.number == number:
            self._votes.append((self.trial, choice))
            self.trial = None

    def find(self, number: int) -> Trial:
        """One that was drawn, voted on or not.

        Raises:
            RequestError: There is none.
        """
        if not 0 <= number < len(self._trials):
            raise RequestError("vote: there is no such; reload the page")
        return self._trials[number]

    def __len__(self) -> int:
        return len(self._votes)

    def table(self) -> list[Row]:
        """A row for any two results that were voted on."""
        pairs = sorted({_pair(trial) for trial, _ in self._votes})
        return [self._row(*pair) for pair in pairs]

    def _row(self, first: int, second: int) -> Row:
        votes = [self._winner(trial, choice) for trial, choice in self._votes if _pair(trial) == (first, second)]
        counts = votes.count(first), votes.count(second)
        return Row(first, second, *counts, votes.count(None), sign_test(*counts))

    @staticmethod
    def _winner(trial: Trial, choice: Choice) -> int | None:
        return {"left": trial.left, "right": trial.right, "neither": None}[choice]

    def _seen(self, pair: tuple[int, int]) -> int:
        return sum(_pair(trial) == pair for trial, _ in self._votes)

    def _place(self, apart: NDArray[np.float32]) -> tuple[float, float]:
        """A place, the likelier the more differs around it."""
        import cv2

        height, width = apart.shape
        share = min(CELLS / max(height, width), 1.0)
        cells = cv2.resize(
            apart, (max(round(width * share), 1), max(round(height * share), 1)), interpolation=cv2.INTER_AREA
        )
        (chosen,) = self._drawn.choices(range(cells.size), cells.ravel().tolist())
        down, right = divmod(chosen, cells.shape[1])
        return (right + 0.5) / cells.shape[1], (down + 0.5) / cells.shape[0]


def sign_test(first: int, second: int) -> float | None:
    """The probability of votes as uneven as these, or more so, where neither is better: two-sided, exact.

    Args:
        first, second: Votes for either; those for neither do not count.

    Returns:
        In (0, 1]; None without votes.
    """
    votes = first + second
    if not votes:
        return None
    tail = sum(math.comb(votes, each) for each in range(min(first, second) + 1))
    return min(1.0, 2 * tail / (1 << votes))


def _pair(trial: Trial) -> tuple[int, int]:
    return min(trial.left, trial.right), max(trial.left, trial.right)
