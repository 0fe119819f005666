"""What a step sees depends on the seed and its number alone."""

from __future__ import annotations

import threading
from contextlib import closing

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune import WorkError
from bridgetune.data import Pair, References, UnlabelledPair
from bridgetune.errors import RequestError
from bridgetune.training.samples import Sample, TrainingSamples, batches, shuffled_batches

CPU = torch.device("cpu")


class Noise:
    """Pairs and references of pure noise."""

    def __init__(self, pairs: int = 5) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return self.pairs

    def sample(self, *place: object) -> Pair:
        rng = place[-1]
        assert isinstance(rng, np.random.Generator)
        first, second = (torch.from_numpy(rng.random((3, 4, 4), dtype=np.float32)) for _ in range(2))
        return Pair(first, second, torch.ones(1, 4, 4))


class NewNoise(Noise):
    """The same without masks."""

    def sample(self, *place: object) -> UnlabelledPair:
        return UnlabelledPair(*super().sample(*place)[:2])


class NoisePool:
    def sample(self, rng: np.random.Generator) -> torch.Tensor:
        return torch.from_numpy(rng.random((3, 4, 4), dtype=np.float32))


REFERENCES = References(NoisePool(), NoisePool())


def shown(samples: TrainingSamples, batch: int = 4, start: int = 0, stop: int = 5, workers: int = 0, share=(0, 1)):
    keys = samples.keys(batch, start, stop, share)
    return list(batches(samples, keys, workers=workers, device=CPU))


def same(one: list[Sample], other: list[Sample]) -> bool:
    return len(one) == len(other) and all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
        for a, b in zip(one, other, strict=True)
    )


@given(pairs=st.integers(1, 20), batch=st.integers(1, 30), epochs=st.integers(1, 3), seed=st.integers(0, 9))
def test_every_epoch_shows_every_pair_once(pairs: int, batch: int, epochs: int, seed: int):
    steps = -(-epochs * pairs // batch)
    rows = list(shuffled_batches(pairs, batch, (seed, 0), 0, steps))
    assert all(len(row) == batch for row in rows)
    for epoch in range(epochs):
        assert sorted(index for row in rows for number, index in row if number == epoch) == list(range(pairs))


@given(start=st.integers(0, 12), batch=st.integers(1, 7))
def test_starting_later_gives_the_same_batches(start: int, batch: int):
    whole = list(shuffled_batches(10, batch, (3, 0), start=0, stop=12))
    assert list(shuffled_batches(10, batch, (3, 0), start=start, stop=12)) == whole[start:]


def test_epochs_are_shuffled_differently():
    first, second = shuffled_batches(50, 50, (0, 0), 0, 2)
    assert [index for _, index in first] != [index for _, index in second]


def test_a_pair_is_drawn_anew_in_every_epoch_and_for_every_seed():
    one, other = (
        torch.cat([batch["first"] for batch in shown(TrainingSamples(Noise(), seed=seed))]) for seed in (0, 1)
    )
    assert len({image.numpy().tobytes() for image in torch.cat([one, other])}) == len(one) + len(other)


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_draw_what_is_drawn_without_them(workers: int):
    samples = TrainingSamples(Noise(), 0, REFERENCES, "separate", unlabelled=NewNoise(7))
    assert same(shown(samples, workers=workers), shown(samples))
    assert same(shown(samples, start=2, workers=workers), shown(samples)[2:])


def test_the_shares_of_two_processes_are_the_whole_batch():
    samples = TrainingSamples(Noise(), 0, REFERENCES, unlabelled=NewNoise(3))
    halves = [shown(samples, batch=8, share=(rank, 2)) for rank in range(2)]
    for whole, first, second in zip(shown(samples, batch=8), *halves, strict=True):
        for name in ("first", "second", "mask", "unlabelled_first", "unlabelled_second"):
            assert torch.equal(torch.cat([first[name], second[name]]), whole[name])


def test_the_reference_shown_as_real_is_the_one_pasted_into_or_a_draw_of_its_own():
    for batch in shown(TrainingSamples(Noise(), 0, REFERENCES, "same")):
        assert torch.equal(batch["clear"], batch["real_clear"])
        assert torch.equal(batch["blurred"], batch["real_blurred"])
    for batch in shown(TrainingSamples(Noise(), 0, REFERENCES, "separate")):
        assert not torch.equal(batch["clear"], batch["real_clear"])
        assert not torch.equal(batch["blurred"], batch["real_blurred"])


@pytest.mark.parametrize(("share", "new"), [(0.5, 4), (0.25, 2), (0.01, 1), (0.99, 7)])
def test_a_batch_has_its_share_of_unlabelled_pairs_and_at_least_one_of_each(share: float, new: int):
    samples = TrainingSamples(Noise(), 0, REFERENCES, unlabelled=NewNoise(), unlabelled_share=share)
    for batch in shown(samples, batch=8):
        assert len(batch["unlabelled_first"]) == len(batch["unlabelled_second"]) == new
        assert len(batch["first"]) == len(batch["mask"]) == 8 - new
        assert len(batch["clear"]) == len(batch["real_blurred"]) == 8


def test_unlabelled_pairs_alone_come_without_masks():
    for batch in shown(TrainingSamples(None, 0, REFERENCES, unlabelled=NewNoise())):
        assert batch.keys() == {
            *("unlabelled_first", "unlabelled_second", "clear", "blurred", "real_clear", "real_blurred")
        }
        assert len(batch["unlabelled_first"]) == 4


class Vanishing(Noise):
    """A file is gone after some draws."""

    left = 6

    def sample(self, *place: object) -> Pair:
        self.left -= 1
        if self.left < 0:
            raise RequestError("photos/7.png: no such file")
        return super().sample(*place)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_vanishes_is_named_when_its_batch_is_due(workers: int):
    samples = TrainingSamples(Vanishing(), 0)
    coming = batches(samples, samples.keys(4, 0, 50), workers=workers, device=CPU)
    next(coming)
    with pytest.raises(WorkError, match=r"photos/7\.png: no such file"):
        next(coming)


def test_threads_end_with_the_loop():
    samples = TrainingSamples(Noise(), 0)
    with closing(batches(samples, samples.keys(4, 0, 1000), workers=2, device=CPU)) as coming:
        next(coming)
        assert any(thread.name.startswith("bridgetune-draws") for thread in threading.enumerate())
    assert not any(thread.name.startswith("bridgetune-draws") for thread in threading.enumerate())
