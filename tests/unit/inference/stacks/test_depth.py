"""The depth between frames, and its colours."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference.stacks.depth import coloured, peak


@given(offset=st.floats(-0.5, 0.5), height=st.floats(-50, 50), width=st.floats(0.1, 20))
def test_the_top_of_a_parabola_is_found(offset: float, height: float, width: float):
    scores = [np.array([height - width * (place - offset) ** 2]) for place in (-1, 0, 1)]
    assert abs(peak(*scores)[0] - offset) < 1e-6 * max(1, abs(height) / width)


def test_scores_that_are_alike_or_not_there_leave_the_middle():
    even = np.ones(2), np.ones(2), np.ones(2)
    assert peak(*even).tolist() == [0, 0]
    assert peak(np.array([-np.inf]), np.array([1.0]), np.array([-np.inf])).tolist() == [0]


def test_colours_rise_in_brightness_from_the_first_frame_to_the_last():
    shown = coloured(np.linspace(0, 4, 50, dtype=np.float32)[None], 5)
    assert (shown.dtype, shown.shape) == (np.uint8, (1, 50, 3))
    luma = shown[0] @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(luma) > -0.5).all()
    assert luma[-1] - luma[0] > 150
