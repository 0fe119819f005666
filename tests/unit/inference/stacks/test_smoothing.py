"""Fields of chosen frames, smoothed."""

from __future__ import annotations

import numpy as np

from bridgetune.inference.stacks.smoothing import smoothed


def field(side: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A field of two halves with single pixels that are wrong, the field without them, and a picture of two halves."""
    right = np.zeros((side, side), np.uint8)
    right[:, side // 2 :] = 2
    wrong = right.copy()
    rows, columns = np.random.default_rng(0).integers(4, side - 4, (2, 40))
    wrong[rows, columns] = 1
    picture = np.where(right[..., None] == 0, 60, 180).repeat(3, 2).astype(np.uint8)
    return wrong, right, picture


def test_islands_become_what_is_nearest_to_them():
    wrong, right, picture = field()
    assert np.array_equal(smoothed(wrong, picture, "regions", 3), right)


def test_what_is_large_stays_to_the_pixel():
    _, right, picture = field()
    assert np.array_equal(smoothed(right, picture, "regions", 3), right)


def test_a_guided_field_follows_the_pictures_edge():
    wrong, right, picture = field()
    found = smoothed(wrong, picture, "guided", 3)
    assert (found != right).mean() < 0.002 < (wrong != right).mean()
    ragged = right.copy()
    ragged[::2, 58:60] = 2
    assert (smoothed(ragged, picture, "guided", 3) != right).mean() < (ragged != right).mean()
