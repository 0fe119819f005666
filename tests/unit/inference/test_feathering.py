"""The seam between two pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference import feathering
from bridgetune.inference.feathering import EVEN, OF_A_PAIR, WIDER, feathered, shares, softened


def mean_of_squares(taken: np.ndarray, reach: int) -> np.ndarray:
    """By definition: the border is mirrored about its outermost pixels' edges."""
    padded = np.pad(taken.astype(float), reach, mode="symmetric")
    side = 2 * reach + 1
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side)).mean((2, 3))


@given(st.integers(0, 2**32 - 1), st.integers(1, 2), st.sampled_from([np.uint8, np.uint16]), st.integers(1, 40))
def test_each_picture_counts_by_its_share_of_the_square(seed: int, reach: int, deep: type, tile: int):
    rng = np.random.default_rng(seed)
    below, above = rng.integers(0, np.iinfo(deep).max, (2, 24, 31, 3), endpoint=True).astype(deep)
    taken = rng.random((24, 31)) < rng.choice([0.02, 0.5])
    share = mean_of_squares(taken, reach)[..., None]
    expected = below + share * (above.astype(float) - below)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feathering, "TILE", tile)
        found = feathered(below.copy(), above, taken, reach)
    assert np.abs(found - expected).max() <= 0.51
    inside = (share[..., 0] == 0) | (share[..., 0] == 1)
    assert np.array_equal(found[inside], np.where(taken[..., None], above, below)[inside])


def test_nothing_is_blended_where_one_shows_nothing():
    below, above = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    taken = np.arange(8)[:, None] < np.full(8, 4)
    holds = np.zeros((8, 8), bool)
    assert set(np.unique(feathered(below.copy(), above, taken, 1, holds))) == {0, 200}
    assert len(np.unique(feathered(below.copy(), above, taken, 1))) == 4


def test_shares_are_counted_with_the_border_mirrored():
    taken = np.zeros((5, 5), bool)
    taken[0, 0] = True
    assert shares(taken, 1)[:3, :3].tolist() == [[4, 2, 0], [2, 1, 0], [0, 0, 0]]


def halves(kind: type = np.uint8, height: int = 90, width: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two even pictures of different brightness, with detail in the top third; the first is taken on the left."""
    full = np.iinfo(kind).max
    first, second = (np.full((height, width, 3), share * full, kind) for share in (0.4, 0.6))
    grain = np.random.default_rng(0).integers(0, full // 3, (height // 3, width, 3)).astype(kind)
    first[: height // 3] += grain
    taken = np.zeros((height, width), bool)
    taken[:, : width // 2] = True
    return first, second, taken


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_seam_is_wide_where_both_are_even_and_narrow_beside_detail(kind: type):
    first, second, taken = halves(kind)
    fused = softened(first, second, taken)
    step = np.where(taken[..., None], first, second)
    changed = (fused != step).any(2)
    assert changed[80].sum() == 2 * max(WIDER), "each pixel whose square of 33×33 the seam crosses"
    assert set(changed[:28].sum(1)) == {2 * OF_A_PAIR}
    assert np.array_equal(fused[:28], feathered(second.copy(), first, taken, OF_A_PAIR)[:28])
    down = fused[80, :, 0].astype(float) / np.iinfo(kind).max
    assert (np.diff(down) >= 0).all()
    assert np.diff(down).max() < 0.01, "0.2 over 32 pixels"


def test_grain_does_not_make_a_seam_narrow_and_detail_in_either_does():
    first, second, taken = halves()
    noise = np.random.default_rng(1).normal(0, 1.5, (2, *first.shape))
    grainy = [(picture + grain).round().astype(np.uint8) for picture, grain in zip((first, second), noise, strict=True)]
    middle = softened(*grainy, taken)[80, 50:70, 0].astype(float)
    assert np.polyfit(np.arange(20), middle, 1)[0] == pytest.approx(51 / 33, abs=0.5)
    second[60:] += (20 * (np.arange(120) // 2 % 2)).astype(np.uint8)[:, None]
    step = np.where(taken[..., None], first, second)
    assert (softened(first, second, taken) != step).any(2)[80].sum() == 2 * OF_A_PAIR


def test_a_seam_is_narrow_where_both_are_alike():
    first, second, taken = halves()
    second[:] = first
    second[60:] += np.uint8(2)
    assert np.array_equal(softened(first, second, taken), feathered(second.copy(), first, taken, OF_A_PAIR))


@given(st.integers(0, 2**32 - 1), st.integers(20, 60), st.sampled_from([np.uint8, np.uint16]))
def test_strips_and_the_order_change_nothing(seed: int, tile: int, kind: type):
    rng = np.random.default_rng(seed)
    full = np.iinfo(kind).max
    first, second, taken = halves(kind, 60, 50)
    taken ^= rng.random(taken.shape) < 0.001
    first[40:, 30:40] = (full * (0.4 + EVEN * rng.uniform(0, 4) * np.arange(10)))[None, :, None]
    whole = softened(first, second, taken)
    assert np.array_equal(softened(second, first, ~taken), whole)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feathering, "TILE", tile)
        assert np.array_equal(softened(first, second, taken), whole)
