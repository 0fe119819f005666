"""What is known spreads along a picture's edges. Its values beside the formula: `test_deciding`."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference.spreading import spread


def test_a_point_spreads_over_an_even_picture_and_stops_at_an_edge():
    known = np.zeros((1, 41, 81), np.float32)
    known[0, 20, 40] = 1
    picture = np.zeros((41, 81, 3), np.uint8)
    even = known.copy()
    spread(even, picture)
    assert even[0, 20, 60] > even[0, 20, 41] / 10
    picture[:, 50:] = 255
    spread(known, picture)
    assert known[0, 20, 49] > 100 * known[0, 20, 50]


@given(seed=st.integers(0, 99), height=st.integers(1, 20), width=st.integers(1, 20))
def test_what_is_spread_is_between_the_least_and_the_most(seed: int, height: int, width: int):
    rng = np.random.default_rng(seed)
    known = rng.uniform(2, 3, (2, height, width)).astype(np.float32)
    spread(known, rng.integers(0, 256, (height, width, 3), np.uint8))
    assert 2 - 1e-5 <= known.min() <= known.max() <= 3 + 1e-5


def test_of_two_pictures_the_mean_counts():
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0, 0.1, (2, 15, 15, 3)).astype(np.float32)
    of_both = rng.uniform(0, 1, (1, 15, 15)).astype(np.float32)
    of_mean = of_both.copy()
    spread(of_both, first, second)
    spread(of_mean, (first + second) / 2)
    np.testing.assert_allclose(of_both, of_mean, rtol=1e-4)
