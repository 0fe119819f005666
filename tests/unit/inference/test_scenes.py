from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bridgetune.inference.scenes import SMALL, differ_in_scene, small


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
