"""Training batches in a fixed order: what a step sees is a pure function of the seed and the step's number.

So a resumed run needs no sampler state: it goes on at its step and sees what it would have seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bridgetune.data import Pair, PairSource, References, UnlabelledPairs
from bridgetune.data.pairs import draws
from bridgetune.errors import RequestError, WorkError

Sample = dict[str, Tensor]
"""A batch: first, second (B, 3, S, S), mask (B, 1, S, S); unlabelled_first, unlabelled_second (U, 3, S, S) where there
are such pairs; with references also clear, blurred, pasted in, and real_clear, real_blurred, shown as real,
(B + U, 3, S, S)."""

AHEAD = 2
"""Batches that are drawn before they are needed."""

# streams of random numbers, each with the seed before it
_ORDER, _TRAINING, _VALIDATION, _UNLABELLED_ORDER, _UNLABELLED, _VALIDATION_REFERENCES, JUDGED = range(7)


class Key(NamedTuple):
    """Which scene is to be drawn, and the how manieth time."""

    labelled: bool
    epoch: int
    scene: int


class Drawn(NamedTuple):
    """What was drawn for one pair, before any arithmetic."""

    labelled: bool
    pair: Any
    references: dict[str, Any]


class TrainingSamples:
    """Pairs, and for stage 2 references, drawn anew in every epoch.

    Args:
        pairs: Where the labelled pairs come from; None for none.
        seed: Of all that is drawn.
        references: The pools of stage 2.
        reference_draws: See `Recipe`.
        unlabelled: Where the unlabelled pairs come from; None for none.
        unlabelled_share: Their share of a batch, where there are both kinds.
    """

    def __init__(
        self,
        pairs: PairSource | None,
        seed: int,
        references: References | None = None,
        reference_draws: Literal["same", "separate"] = "same",
        *,
        unlabelled: UnlabelledPairs | None = None,
        unlabelled_share: float = 0.5,
    ) -> None:
        self.seed = seed
        self.pairs, self.unlabelled = pairs, unlabelled
        self._share = unlabelled_share
        self._pairs = None if pairs is None else _Source(pairs)
        self._unlabelled = None if unlabelled is None else _Source(unlabelled)
        self._references = (
            {} if references is None else {"clear": _Source(references.clear), "blurred": _Source(references.blurred)}
        )
        self._again = reference_draws == "separate"

    def __len__(self) -> int:
        """How many pairs an epoch has: the labelled ones, where there are any."""
        return len(self.unlabelled or ()) if self.pairs is None else len(self.pairs)

    def keys(self, batch: int, start: int, stop: int, share: tuple[int, int] = (0, 1)) -> Iterator[list[Key]]:
        """What is drawn for the steps start+1 … stop, by a process: its share of every batch, labelled pairs first.

        Args:
            batch: Pairs in a batch, over all processes: a multiple of their number.
            share: (rank, processes).
        """
        rank, processes = share
        rows = [
            shuffled_batches(len(source), count // processes * processes, (self.seed, stream), start, stop)
            for source, count, stream in (
                (self.pairs or (), batch - self._unlabelled_in(batch, processes), _ORDER),
                (self.unlabelled or (), self._unlabelled_in(batch, processes), _UNLABELLED_ORDER),
            )
        ]
        for both in zip(*rows, strict=True):
            keys: list[Key] = []
            for labelled, row in zip((True, False), both, strict=True):
                mine = len(row) // processes
                keys += [Key(labelled, *place) for place in row[rank * mine : (rank + 1) * mine]]
            yield keys

    def _unlabelled_in(self, batch: int, processes: int) -> int:
        if self.unlabelled is None:
            return 0
        if self.pairs is None:
            return batch
        each = batch // processes
        return processes * min(max(1, round(self._share * each)), each - 1)

    def draw(self, key: Key) -> Drawn:
        """Files and chance; called from several threads.

        Raises:
            WorkError: A file can no longer be read.
        """
        source = self._pairs if key.labelled else self._unlabelled
        assert source is not None
        stream = _TRAINING if key.labelled else _UNLABELLED
        rng = np.random.default_rng((self.seed, stream, key.epoch, key.scene))
        try:
            pair = source.draw(key.scene, rng)
            references = {}
            for name, pool in self._references.items():
                references[name] = pool.draw(rng)
                if self._again:
                    references[f"real_{name}"] = pool.draw(rng)
        except RequestError as error:  # what was asked for was right when the run began
            raise WorkError(str(error)) from error
        return Drawn(key.labelled, pair, references)

    def develop(self, drawn: Sequence[Drawn], device: torch.device) -> Sample:
        """Arithmetic: what was drawn as a batch on the device."""
        sample: Sample = {}
        labelled = [one.pair for one in drawn if one.labelled]
        unlabelled = [one.pair for one in drawn if not one.labelled]
        if labelled and self._pairs is not None:
            sample |= zip(("first", "second", "mask"), self._pairs.develop(labelled, device), strict=True)
        if unlabelled and self._unlabelled is not None:
            both = self._unlabelled.develop(unlabelled, device)
            sample |= zip(("unlabelled_first", "unlabelled_second"), both, strict=True)
        for name, pool in self._references.items():
            for role in (name, f"real_{name}"):
                kept = role if self._again else name
                if role == kept:
                    (sample[role],) = pool.develop([one.references[role] for one in drawn], device)
                else:
                    sample[role] = sample[kept]
        return sample


def batches(
    samples: TrainingSamples, keys: Iterator[list[Key]], *, workers: int, device: torch.device
) -> Generator[Sample]:
    """The batches that the keys name, drawn ahead by threads.

    Args:
        workers: Threads; 0 draws each batch when it is asked for.
    """
    if workers == 0:
        for row in keys:
            yield samples.develop([samples.draw(key) for key in row], device)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="bridgetune-draws")
    waiting = deque(pool.map(samples.draw, row) for row in islice(keys, AHEAD))
    try:
        while waiting:
            drawn = list(waiting.popleft())
            waiting.extend(pool.map(samples.draw, row) for row in islice(keys, 1))
            yield samples.develop(drawn, device)
    finally:
        pool.shutdown(cancel_futures=True)


def shuffled_batches(
    pairs: int, size: int, seed: tuple[int, int], start: int, stop: int
) -> Iterator[list[tuple[int, int]]]:
    """Batches of (epoch, index) from an endless row of shuffled epochs, from step `start` to step `stop`.

    No batch is cut short: one that reaches the end of an epoch goes on into the next.
    """
    shuffled, order = -1, np.empty(0, dtype=np.int64)
    for step in range(start, stop):
        places: list[tuple[int, int]] = []
        for position in range(step * size, (step + 1) * size):
            epoch, place = divmod(position, pairs)
            if epoch != shuffled:
                shuffled, order = epoch, np.random.default_rng((*seed, epoch)).permutation(pairs)
            places.append((epoch, int(order[place])))
        yield places


def validation_pairs(pairs: PairSource, seed: int, share: tuple[int, int] = (0, 1)) -> Iterator[Pair]:
    """Every pair once, each time with the same crop, blur and flips; of several processes each takes its share."""
    rank, processes = share
    for index in range(rank, len(pairs), processes):
        yield pairs.sample(index, np.random.default_rng((seed, _VALIDATION, index)))


def validation_references(references: References, count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """A clear and a blurred reference, (3, S, S), for each of the first `count` held-out pairs, the same every time."""
    for index in range(count):
        rng = np.random.default_rng((seed, _VALIDATION_REFERENCES, index))
        yield references.clear.sample(rng), references.blurred.sample(rng)


class _Source:
    """A source in two steps: its own, or what it samples, stacked."""

    def __init__(self, source: Any) -> None:
        self.draw: Callable[..., Any] = source.draw if draws(source) else source.sample
        self._develop: Callable[..., Any] | None = source.develop if draws(source) else None

    def develop(self, drawn: Sequence[Any], device: torch.device) -> tuple[Tensor, ...]:
        if self._develop is not None:
            developed = self._develop(drawn, device)
            return (developed,) if isinstance(developed, Tensor) else tuple(developed)
        if isinstance(drawn[0], Tensor):
            return (torch.stack(list(drawn)).to(device),)
        return tuple(torch.stack(images).to(device) for images in zip(*drawn, strict=True))
