from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import bridgetune
from bridgetune import AdapterConfig, Evaluator, RequestError, wrap
from bridgetune.data import Picture
from bridgetune.inference import fuse_pictures
from bridgetune.inference.feathering import shares
from bridgetune.inference.smoothing import (
    blended,
    box_mean,
    check_smoothing,
    guided,
    smoothed,
    without_islands,
    without_small_regions,
)


class Peppered(nn.Module):
    """Decides for the first image in the left half, but for a pixel of either half."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        left = torch.arange(first.shape[-1], device=first.device) < first.shape[-1] // 2
        logits = torch.where(left, 6.0, -6.0).expand(*first.shape[:1], 1, *first.shape[-2:]).clone()
        logits[..., 5, 5], logits[..., 5, -5] = -6.0, 6.0
        return logits


def generator() -> bridgetune.wrapping.Adapter:
    return wrap(Peppered(), AdapterConfig())


def pixels(height: int = 30, width: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def picture(seed: int = 0) -> Picture:
    return Picture(pixels(seed=seed), gray=False)


def test_islands_below_a_share_go_and_larger_ones_stay():
    decision = np.zeros((10, 10))
    decision[0, 0] = decision[1, 1] = 1  # joined by a corner
    decision[5:8, 5:8] = 1
    assert without_islands(decision, 0.02).sum() == 2 + 9
    assert without_islands(decision, 0.02, connectivity=4).sum() == 9
    assert without_islands(decision, 0.03).sum() == 9
    assert without_islands(decision, 0.10).sum() == 0
    assert without_islands(np.zeros((4, 4)), 0.5).sum() == 0


def test_small_regions_of_either_source_go_over_to_what_is_around():
    decision = np.zeros((20, 20))
    decision[:, :10] = 1
    clean = decision.copy()
    decision[3, 3], decision[15, 15] = 0, 1
    assert np.array_equal(without_small_regions(decision), clean)
    assert np.array_equal(without_small_regions(decision, 1 / 400), decision)


@settings(max_examples=20)
@given(height=st.integers(1, 12), width=st.integers(1, 12), radius=st.integers(1, 6))
def test_a_mean_is_over_what_of_the_window_is_in_the_picture(height: int, width: int, radius: int):
    values = np.random.default_rng(0).random((height, width))
    found = box_mean(values, radius)
    for row, column in ((0, 0), (height // 2, width // 2), (height - 1, width - 1)):
        rows, columns = (slice(max(place - radius, 0), place + radius + 1) for place in (row, column))
        assert found[row, column] == pytest.approx(values[rows, columns].mean())


def test_a_guided_map_keeps_a_constant_and_follows_an_edge_of_the_pictures():
    first, second = pixels(), pixels(seed=1)
    assert guided(np.ones((30, 40)), first, second) == pytest.approx(1)
    flat, black = np.full((30, 40, 3), 255, np.uint8), np.zeros((30, 40, 3), np.uint8)
    step = np.zeros((30, 40))
    step[:, :20] = 1
    followed = guided(step, flat, black, epsilon=1e-6)  # white beside black, where the map steps
    assert np.abs(followed - step).max() < 1e-3
    blurred = guided(step, flat, flat)  # nothing to follow
    assert blurred[15, 20] == pytest.approx(0.5, abs=0.1)


@settings(max_examples=20)
@given(dtype=st.sampled_from([np.uint8, np.uint16]), seed=st.integers(0, 9))
def test_a_blend_of_zeros_and_ones_is_the_sources_own_and_others_stay_in_their_levels(dtype: type, seed: int):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, np.iinfo(dtype).max + 1, (2, 6, 7, 3), dtype=dtype)
    chosen = rng.random((6, 7)) < 0.5
    assert np.array_equal(blended(first, second, chosen.astype(float)), np.where(chosen[..., None], first, second))
    beyond = blended(first, second, np.full((6, 7), 1.9))
    assert beyond.dtype == dtype
    assert np.array_equal(blended(first, first, rng.random((6, 7))), first)


def test_steps_are_taken_in_their_order():
    first, second, logits = pixels(), pixels(seed=1), np.full((30, 40), -3.0)
    logits[:, :20], logits[4, 4] = 3.0, -3.0
    both = smoothed(logits, first, second, ("small-regions", "guided"), generator())
    assert np.array_equal(both, guided(without_small_regions(logits >= 0), first, second))
    assert np.array_equal(
        smoothed(logits, first, second, ("small-regions",), generator()), without_small_regions(logits >= 0)
    )


def test_a_fused_picture_is_of_the_map_that_was_smoothed():
    first, second = picture(), picture(1)
    plain = fuse_pictures(generator(), first, second)
    assert plain.decision[5, 5] == 0
    smooth = fuse_pictures(generator(), first, second, smooth=("small-regions",), blend="none")
    assert smooth.decision[5, 5] == 1
    assert smooth.decision[5, -5] == 0
    assert np.array_equal(smooth.pixels, np.where(smooth.decision[..., None] == 1, first.pixels, second.pixels))
    feathered = fuse_pictures(generator(), first, second, smooth=("small-regions",))
    assert np.array_equal(feathered.decision, smooth.decision)
    assert (feathered.pixels != smooth.pixels).any(-1).sum() <= (shares(smooth.decision == 1, 1) % 9 > 0).sum()
    assert (feathered.pixels != smooth.pixels).any()
    soft = fuse_pictures(generator(), first, second, smooth=("small-regions", "guided"))
    assert 0 <= soft.decision.min() < 0.4 < 0.6 < soft.decision.max() <= 1
    assert len(np.unique(soft.decision)) > 2


@pytest.mark.parametrize(
    ("method", "recipe", "steps", "said"),
    [
        (generator(), "paper", ("guided", "guided"), "expected each step once"),
        (generator(), "paper", ("paper", "guided"), "leave the other steps out"),
        (generator(), "paper", ("paper",), "nothing is known of what the paper of a network of one's own does"),
        (generator(), "released", ("guided",), "by the recipe paper; leave it out"),
        (Evaluator("mean", lambda a, b: (a + b) / 2), "paper", ("guided",), "mean is an evaluator"),
        (None, "paper", ("guided",), "is for the maps of a generator"),
    ],
)
def test_what_cannot_be_smoothed_is_refused(method: object, recipe: str, steps: tuple, said: str):
    with pytest.raises(RequestError, match=said):
        check_smoothing(method, recipe, steps)
    check_smoothing(method, recipe, ())
