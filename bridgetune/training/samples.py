"""Training samples in a fixed order: what a step sees is a pure function of the seed and the step's number.

So a resumed run needs no sampler state: it goes on at its step and sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from bridgetune.data import Pair, PairSource, References

Key = tuple[int, int]
"""(epoch, index of the pair)"""

Sample = dict[str, Tensor]
"""first, second (3, S, S), mask (1, S, S); with references also clear, blurred, pasted in, and real_clear,
real_blurred, shown as real, (3, S, S). A batch has the same names and a leading axis."""

_ORDER, _TRAINING, _VALIDATION = range(3)


class TrainingSamples(Dataset[Sample]):
    """Pairs, and for stage 2 references, drawn anew in every epoch.

    Args:
        pairs: Where the source pairs come from.
        seed: Of all that is drawn.
        references: The pools of stage 2.
        reference_draws: See `Recipe`.
    """

    def __init__(
        self,
        pairs: PairSource,
        seed: int,
        references: References | None = None,
        reference_draws: Literal["same", "separate"] = "same",
    ) -> None:
        self.pairs = pairs
        self.seed = seed
        self.references = references
        self.reference_draws = reference_draws

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: Key) -> Sample:
        epoch, index = key
        rng = np.random.default_rng((self.seed, _TRAINING, epoch, index))
        pair = self.pairs.sample(index, rng)
        sample = pair._asdict()
        if self.references is not None:
            pools = {"clear": self.references.clear, "blurred": self.references.blurred}
            for name, pool in pools.items():
                sample[name] = pool.sample(rng)
                again = self.reference_draws == "separate"
                sample[f"real_{name}"] = pool.sample(rng) if again else sample[name]
        return sample


class ShuffledBatches(Sampler[list[Key]]):
    """Batches from an endless row of shuffled epochs, from step `start` to step `stop`.

    No batch is cut short: one that reaches the end of an epoch goes on into the next.
    """

    drop_last = False

    def __init__(self, pairs: int, batch_size: int, seed: int, start: int, stop: int) -> None:
        self.pairs, self.batch_size, self.seed = pairs, batch_size, seed
        self.start, self.stop = start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        shuffled, order = -1, np.empty(0, dtype=np.int64)
        for step in range(self.start, self.stop):
            keys: list[Key] = []
            for position in range(step * self.batch_size, (step + 1) * self.batch_size):
                epoch, place = divmod(position, self.pairs)
                if epoch != shuffled:
                    shuffled, order = epoch, self._shuffled(epoch)
                keys.append((epoch, int(order[place])))
            yield keys

    def _shuffled(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.random.default_rng((self.seed, _ORDER, epoch)).permutation(self.pairs)


def validation_pairs(pairs: PairSource, seed: int) -> Iterator[Pair]:
    """Every pair once, each time with the same crop, blur and flips."""
    for index in range(len(pairs)):
        yield pairs.sample(index, np.random.default_rng((seed, _VALIDATION, index)))
