"""Brightness of frames, measured and evened."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.pictures.exposure import evened, light, measured_gains
from bridgetune.pictures.transforms import IDENTITY, shift


def scene(seed: int = 0) -> np.ndarray:
    """(60, 80, 3) in [0, 1], smooth, with something dark and something cut off."""
    coarse = np.random.default_rng(seed).uniform(0.1, 0.7, (6, 8, 3))
    image = coarse.repeat(10, 0).repeat(10, 1).astype(np.float32)
    image[:10], image[-10:] = 0.0, 1.0
    return image


def test_each_channel_has_its_gain():
    gains = measured_gains(light(scene()), light(scene() * np.array([0.8, 1, 1.1], np.float32)), IDENTITY)
    assert gains == pytest.approx([1 / 0.8, 1, 1 / 1.1], rel=0.01)


def test_what_spreads_out_of_focus_is_no_difference_of_brightness():
    sharp = np.full((90, 120, 3), 0.1, np.float32)
    sharp[20:70:10, 10:110], sharp[5:85, 20:100:20] = 0.8, (0.9, 0.5, 0.3)
    light_of = light(sharp)
    blurred = cv2.GaussianBlur(light_of, (0, 0), 3)
    share = np.median(np.log(np.sqrt(light_of) / np.sqrt(blurred)))
    assert abs(share) > 0.1, "at most places it is brighter"
    assert measured_gains(light_of, blurred, IDENTITY) == pytest.approx([1, 1, 1], rel=0.02)
    assert measured_gains(light_of, blurred * light(np.float32([0.9, 1, 1.1])), IDENTITY) == pytest.approx(
        [1 / 0.9, 1, 1 / 1.1], rel=0.02
    )


def test_brightness_is_compared_in_the_scenes_place():
    moved = np.zeros((60, 90, 3), np.float32)
    moved[:, 10:] = scene() * np.float32(0.7)
    assert measured_gains(light(scene()), light(moved), shift(10, 0)) == pytest.approx([1 / 0.7] * 3, rel=0.01)


def test_only_places_that_count_are_compared():
    frame, where = scene() * np.float32(0.8), np.zeros((60, 80), bool)
    frame[:, 30:] *= np.float32(0.5)
    where[:, :30] = True
    assert measured_gains(light(scene()), light(frame), IDENTITY, where) == pytest.approx([1 / 0.8] * 3, rel=0.01)


@pytest.mark.parametrize("level", [0.0, 1.0], ids=["dark", "cut off"])
def test_nothing_is_told_by_what_is_dark_or_cut_off(level: float):
    assert measured_gains(light(scene()), np.full((60, 80, 3), level, np.float32), IDENTITY).tolist() == [1, 1, 1]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@given(st.lists(st.floats(0.5, 2), min_size=3, max_size=3))
def test_evened_pixels_are_the_rounded_products_cut_off_at_full_scale(kind: type, gains: list[float]):
    full = np.iinfo(kind).max
    pixels = np.random.default_rng(0).integers(0, full, (7, 9, 3)).astype(kind)
    even = evened(pixels, np.array(gains))
    assert even.dtype == kind
    if max(abs(gain - 1) for gain in gains) >= 0.002:
        assert np.array_equal(even, np.rint(pixels * np.array(gains)).clip(0, full).astype(kind))


def test_gains_that_are_hardly_any_leave_the_pixels_themselves():
    pixels = np.zeros((7, 9, 3), np.uint8)
    assert evened(pixels, np.array([1.001, 0.999, 1])) is pixels
