"""Fields of chosen frames, smoothed."""

from __future__ import annotations

import numpy as np
import pytest

from bridgetune.inference.stacks.seams import REACH, Blend
from bridgetune.inference.stacks.smoothing import gathered, smoothed


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


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("blend", ["none", "feather", "pyramid"])
def test_pixels_are_taken_as_the_field_says(kind: type, blend: Blend):
    frames = np.random.default_rng(1).integers(0, np.iinfo(kind).max, (3, 90, 90, 3), kind, endpoint=True)
    _, right, _ = field(90)
    picture = gathered(iter(frames), right, blend)
    reach = {"none": 0, "feather": REACH, "pyramid": 16}[blend]
    inside = np.abs(np.arange(90) - 44.5) > reach
    hard = np.take_along_axis(frames, right[None, ..., None].astype(int), 0)[0]
    assert np.array_equal(picture[:, inside], hard[:, inside])
    assert picture.dtype == kind


def test_white_frames_stay_white_where_they_are_feathered():
    _, right, _ = field(60)
    assert (gathered([np.full((60, 60, 3), 65535, np.uint16)] * 3, right, "feather") == 65535).all()
