from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.data import write_image
from bridgetune.data.depths import made_depth, read_depth, stretched
from bridgetune.errors import RequestError

KINDS = ["ramp", "steps", "hills"]


@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1), st.integers(16, 60), st.integers(16, 60))
def test_a_depth_has_a_nearest_and_a_farthest_and_is_its_seeds(kind, seed, height, width):
    one, other = (made_depth(kind, (height, width), np.random.default_rng(seed)) for _ in range(2))
    assert one.shape == (height, width)
    assert one.dtype == np.float32
    assert (one.min(), one.max()) == (0, 1)
    assert np.array_equal(one, other)


def test_a_ramp_is_a_plane_steps_are_few_and_hills_are_neither():
    def curvature(depth):
        return np.abs(np.diff(depth, 2, axis=0)).max()

    ramp, steps, hills = (made_depth(kind, (80, 60), np.random.default_rng(0)) for kind in KINDS)
    assert curvature(ramp) < 1e-3
    assert 3 <= len(np.unique(steps)) <= 8
    assert curvature(hills) > 1e-3
    assert np.abs(np.diff(hills, axis=0)).max() < 0.1


def test_a_depth_is_read_black_nearest_and_stretched(tmp_path):
    levels = np.array([[10, 20], [30, 50]], np.uint16) * 100
    write_image(tmp_path / "depth.png", levels)
    assert np.allclose(read_depth(tmp_path / "depth.png", (2, 2)), [[0, 0.25], [0.5, 1]])


def test_a_depth_of_another_size_is_refused(tmp_path):
    write_image(tmp_path / "depth.png", np.zeros((4, 6), np.uint8))
    with pytest.raises(RequestError, match=r"depth\.png: 6x4 pixels, but its photograph has 6x5; resize it"):
        read_depth(tmp_path / "depth.png", (5, 6))


def test_what_is_as_far_everywhere_is_near():
    assert not stretched(np.full((3, 3), 0.7, np.float32)).any()
