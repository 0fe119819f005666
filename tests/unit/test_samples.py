"""What a step sees depends on the seed and its number alone."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.data import Pair, References
from bridgetune.training.samples import ShuffledBatches, TrainingSamples


class Noise:
    """Pairs and references of pure noise."""

    def __len__(self) -> int:
        return 5

    def sample(self, *place: object) -> Pair:
        rng = place[-1]
        assert isinstance(rng, np.random.Generator)
        first, second = (torch.from_numpy(rng.random((3, 4, 4), dtype=np.float32)) for _ in range(2))
        return Pair(first, second, torch.ones(1, 4, 4))


class NoisePool:
    def sample(self, rng: np.random.Generator) -> torch.Tensor:
        return torch.from_numpy(rng.random((3, 4, 4), dtype=np.float32))


REFERENCES = References(NoisePool(), NoisePool())


@given(pairs=st.integers(1, 20), batch=st.integers(1, 30), epochs=st.integers(1, 3), seed=st.integers(0, 9))
def test_every_epoch_shows_every_pair_once(pairs: int, batch: int, epochs: int, seed: int):
    steps = -(-epochs * pairs // batch)
    keys = [key for keys in ShuffledBatches(pairs, batch, seed, 0, steps) for key in keys]
    assert all(len(keys) == batch for keys in ShuffledBatches(pairs, batch, seed, 0, steps))
    for epoch in range(epochs):
        shown = [index for number, index in keys if number == epoch]
        assert sorted(shown) == list(range(pairs))


@given(start=st.integers(0, 12), batch=st.integers(1, 7))
def test_starting_later_gives_the_same_batches(start: int, batch: int):
    whole = list(ShuffledBatches(10, batch, seed=3, start=0, stop=12))
    assert list(ShuffledBatches(10, batch, seed=3, start=start, stop=12)) == whole[start:]


def test_epochs_are_shuffled_differently():
    keys = [key for keys in ShuffledBatches(50, 50, 0, 0, 2) for key in keys]
    assert [index for _, index in keys[:50]] != [index for _, index in keys[50:]]


def test_a_sample_is_drawn_anew_in_every_epoch_and_the_same_again_for_its_key():
    samples = TrainingSamples(Noise(), seed=0)
    assert torch.equal(samples[0, 3]["first"], samples[0, 3]["first"])
    assert not torch.equal(samples[0, 3]["first"], samples[1, 3]["first"])
    assert not torch.equal(samples[0, 3]["first"], samples[0, 4]["first"])
    assert not torch.equal(samples[0, 3]["first"], TrainingSamples(Noise(), seed=1)[0, 3]["first"])


def test_the_reference_shown_as_real_is_the_one_pasted_into_or_a_draw_of_its_own():
    same = TrainingSamples(Noise(), 0, REFERENCES, "same")[0, 0]
    assert torch.equal(same["clear"], same["real_clear"])
    assert torch.equal(same["blurred"], same["real_blurred"])
    separate = TrainingSamples(Noise(), 0, REFERENCES, "separate")[0, 0]
    assert not torch.equal(separate["clear"], separate["real_clear"])
    assert not torch.equal(separate["blurred"], separate["real_blurred"])
