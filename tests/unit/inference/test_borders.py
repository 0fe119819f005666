"""Black borders of one frame are found, and nothing that is dark in both, or white, is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bridgetune.inference import find_borders

Frame = NDArray[np.uint8]


def scene(seed: int = 0, low: int = 30, high: int = 250) -> Frame:
    """Spots of some pixels on 120×90."""
    coarse = np.random.default_rng(seed).integers(low, high, (12, 16, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((120, 90), Image.Resampling.BICUBIC)).clip(low, high)


def warped(frame: Frame, turn: float, scale: float, right: float, down: float) -> tuple[Frame, Frame]:
    """The frame turned by degrees about its centre, scaled and shifted, black outside; and where it has nothing."""
    cosine, sine = np.cos(np.radians(turn)) / scale, np.sin(np.radians(turn)) / scale
    height, width = frame.shape[:2]
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = (cosine, sine, x - cosine * (x + right) - sine * (y + down))
    matrix += (-sine, cosine, y + sine * (x + right) - cosine * (y + down))
    taken = (Image.Transform.AFFINE, matrix)
    image = Image.fromarray(frame).transform((width, height), *taken, Image.Resampling.BILINEAR)
    inside = Image.new("L", (width, height), 255).transform((width, height), *taken)
    return np.asarray(image), np.asarray(inside) == 0


@given(st.floats(-10, 10), st.floats(0.85, 1), st.floats(-12, 12), st.floats(-12, 12), st.booleans())
def test_borders_that_aligning_leaves_are_found_and_little_else(
    turn: float, scale: float, right: float, down: float, exchanged: bool
):
    frame = scene()
    moved, empty = warped(frame, turn, scale, right, down)
    if not empty.any():
        return
    found = find_borders(moved, frame) if exchanged else find_borders(frame, moved)
    if found is None:
        assert empty.mean() < 0.03, "some rows, along a part of a side"
        return
    void, other = (found.first, found.second) if exchanged else (found.second, found.first)
    assert not other.any()
    assert (empty & ~void).mean() < 0.02
    assert (void & ~empty).mean() < 2 * 2 * (120 + 90) * 2 / (120 * 90) / 2, "two pixels along every side, and one more"


def test_a_strip_is_found_to_the_pixel_with_its_rim():
    frame = scene()
    cut = frame.copy()
    cut[:9] = 0
    found = find_borders(frame, cut)
    assert np.array_equal(found.second, np.arange(90)[:, None] < np.full((90, 120), 11))
    assert not found.first.any()
    assert found.shares == (0, 11 / 90)


def test_each_frame_may_have_one_and_what_neither_has_stays():
    one, other = scene(), scene()
    one[:9], other[:5], other[:, -7:] = 0, 0, 0
    found = find_borders(one, other)
    assert found.first[6:9, 20:100].all()
    assert found.second[20:, -7:].all()
    assert not (found.first & found.second).any()


def noisy_sky(seed: int) -> Frame:
    """A night sky above a scene: half of its pixels are 0, others 1 or 2."""
    frame = scene()
    frame[:40] = np.random.default_rng(seed).choice([0, 0, 1, 2], (40, 120, 1)).astype(np.uint8)
    return frame


def ragged(seed: int) -> Frame:
    """A dark wood, cut to 0, before what is light."""
    frame = scene()
    heights = 30 + 15 * np.sin(np.arange(120) / 9) + np.random.default_rng(seed).integers(-5, 6, 120)
    frame[np.arange(90)[:, None] < heights] = 0
    return frame


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (noisy_sky(0), noisy_sky(1)),
        (np.where(scene() > 150, scene(), 0).astype(np.uint8), np.where(scene() > 140, scene(), 1).astype(np.uint8)),
        (ragged(0), scene()),
        (scene(), scene()),
        (np.zeros((90, 120, 3), np.uint8), scene()),
        (np.pad(scene()[:-9], ((9, 0), (0, 0), (0, 0)), constant_values=255), scene()),
    ],
    ids=["night", "dark field", "ragged", "equal", "all black", "white"],
)
def test_what_is_dark_in_both_ragged_or_white_is_no_border(first: Frame, second: Frame):
    assert find_borders(first, second) is None
    assert find_borders(second, first) is None


def test_what_is_transparent_in_one_is_void_wherever_it_lies():
    alpha = np.full((90, 120), 255, np.uint8)
    alpha[30:40, 50:60] = 0
    found = find_borders(scene(), scene(), (None, alpha))
    assert np.array_equal(found.second, alpha == 0)
    assert find_borders(scene(), scene(), (alpha, alpha)) is None


def test_sixteen_bits_are_measured_by_their_own_scale():
    frame = scene().astype(np.uint16) * 257
    cut = frame.copy()
    cut[:, :12] = 0
    assert find_borders(cut, frame).first[:, :12].all()
