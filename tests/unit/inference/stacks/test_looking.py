"""What frames are like."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bridgetune.inference.scenes import SMALL
from bridgetune.inference.stacks.looking import CELLS, look
from bridgetune.pictures import Picture


def test_sharpness_is_told_where_it_is():
    pixels = np.full((240, 480, 3), 120, np.uint8)
    pixels[:120, :240] = np.random.default_rng(0).integers(0, 255, (120, 240, 1))
    found = look(Picture(pixels, gray=True))
    assert found.sharpness.shape == (CELLS, CELLS)
    assert found.sharpness[: CELLS // 2 - 1, : CELLS // 2 - 1].min() > 20
    assert found.sharpness[CELLS // 2 + 1 :].max() < 1e-3
    assert (found.size, found.gray, found.bits) == ((240, 480), True, 8)
    assert found.small.shape == (SMALL // 2, SMALL, 3)


@pytest.mark.parametrize("deviation", [1.0, 4.0])
def test_noise_is_that_of_what_is_even(deviation: float):
    rng = np.random.default_rng(0)
    even = rng.normal(100, deviation, (200, 200, 1)).repeat(3, 2)
    half = even.copy()
    half[:, :100] += cv2.GaussianBlur(rng.normal(0, 60, (200, 100)), (0, 0), 1)[..., None]
    noise = [look(Picture(pixels.clip(0, 255).astype(np.uint8), gray=True)).noise for pixels in (even, half)]
    assert noise[0] == pytest.approx(noise[1], rel=0.15)
    assert 0.3 * deviation < noise[0] < 1.5 * deviation


def test_a_frame_of_a_pixel_is_looked_at():
    assert look(Picture(np.zeros((1, 1, 3), np.uint16), gray=False)).bits == 16
