"""The seam between two pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference import feathering
from bridgetune.inference.feathering import feathered, shares


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
