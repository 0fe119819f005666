from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bridgetune.inference.scenes import SMALL, differ_in_scene, gray_one, is_even, small


def scene(seed: int) -> NDArray[np.uint8]:
    """Patches of light and dark, and grain."""
    noise = np.random.default_rng(seed)
    patches = cv2.resize(noise.integers(0, 200, (5, 7, 3), np.uint8), (350, 250), interpolation=cv2.INTER_CUBIC)
    return patches + noise.integers(0, 56, patches.shape, np.uint8)


def test_defocus_light_and_depth_leave_a_scene_what_it_is():
    sharp = scene(0)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 6)
    darker = (sharp * 0.6).astype(np.uint8)
    deep = sharp.astype(np.uint16) * 257
    assert not any(differ_in_scene(small(sharp), small(other)) for other in (blurred, darker, deep))


@pytest.mark.parametrize("seed", range(1, 6))
def test_other_scenes_differ(seed: int):
    assert differ_in_scene(small(scene(0)), small(scene(seed)))


def test_other_sizes_differ_and_even_pictures_do_not():
    assert differ_in_scene(small(scene(0)), small(scene(0)[:200]))
    even = np.full((40, 60, 3), 90, np.uint8)
    assert not differ_in_scene(small(even), small(scene(0)[:40, :60]))


def test_a_picture_is_reduced_to_its_longer_side():
    reduced = small(scene(0))
    assert reduced.shape == (91, SMALL, 3)
    assert reduced.dtype == np.float32
    assert np.array_equal(small(scene(0)[:20, :30]), scene(0)[:20, :30].astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_noise_about_one_colour_is_even_and_a_spot_of_detail_is_not(kind: type[np.uint8 | np.uint16]):
    noise = np.random.default_rng(0).normal([90, 128, 200], 1.5, (300, 400, 3))
    flat = (noise * (np.iinfo(kind).max / 255)).round().astype(kind)
    assert is_even(flat)
    assert is_even(np.zeros_like(flat))
    flat[100:104, 200:204] = 0
    assert not is_even(flat)
    assert not is_even(cv2.GaussianBlur(scene(0), (0, 0), 20)), "out of focus all over, and of something"


def test_the_gray_one_of_two_is_told_by_its_values_however_it_is_stored():
    coloured = scene(0)
    gray = coloured.mean(2, keepdims=True).astype(np.uint8).repeat(3, 2)
    assert gray_one(small(gray), small(coloured)) == 0
    assert gray_one(small(coloured), small(gray)) == 1
    assert gray_one(small(gray), small(gray)) is None
    assert gray_one(small(coloured), small(scene(1))) is None
    tinted = gray.copy()
    tinted[:30, :30, 0] //= 2
    assert gray_one(small(tinted), small(coloured)) is None
    faintly = np.maximum(gray, 8) - np.uint8([0, 8, 0])
    assert gray_one(small(gray), small(faintly)) is None, "what differs so little is not said to be in colour"
