"""Seams between frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference.feathering import shares
from bridgetune.inference.stacks.seams import LEVELS, REACH, Blend, blended


def pair(side: int, seed: int, kind: type = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    full = np.iinfo(kind).max
    return tuple(rng.integers(0, full, (side, side, 3), kind, endpoint=True) for _ in range(2))  # type: ignore[return-value]


def half(side: int) -> np.ndarray:
    taken = np.zeros((side, side), bool)
    taken[:, side // 2 :] = True
    return taken


@pytest.mark.parametrize(("blend", "reach"), [("none", 0), ("feather", REACH), ("pyramid", 2**LEVELS)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_beside_seams_alone_is_a_pixel_not_one_of_the_frames_own(blend: Blend, reach: int, kind: type):
    below, above = pair(96, 0, kind)
    taken = half(96)
    hard = np.where(taken[..., None], above, below)
    laid = blended(below.copy(), above, taken, blend)
    beside = np.abs(np.arange(96) - 47.5) < reach
    assert np.array_equal(laid[:, ~beside], hard[:, ~beside])
    assert (laid[:, beside] != hard[:, beside]).any() == (reach > 0)
    assert laid.dtype == kind


@given(seed=st.integers(0, 50), blend=st.sampled_from(["none", "feather", "pyramid"]))
def test_of_two_frames_that_are_one_nothing_changes(seed: int, blend: Blend):
    below, _ = pair(24, seed)
    taken = np.random.default_rng(seed).random((24, 24)) < 0.5
    assert np.abs(blended(below.copy(), below, taken, blend).astype(int) - below).max() <= (blend == "pyramid")


def test_feathering_is_a_mean_that_falls_off_linearly():
    below, above = np.zeros((9, 20, 3), np.uint8), np.full((9, 20, 3), 250, np.uint8)
    laid = blended(below.copy(), above, half(20)[:9], "feather")
    assert laid[4, 7:13, 0].tolist() == [0, 50, 100, 150, 200, 250]


def test_a_step_in_brightness_is_spread_further_by_pyramids_than_by_feathering():
    below, above = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 140, np.uint8)
    steps = {
        blend: np.abs(np.diff(blended(below.copy(), above, half(64), blend)[32, :, 0].astype(int))).max()
        for blend in ("none", "feather", "pyramid")
    }
    assert steps["none"] == 40
    assert steps["pyramid"] < steps["feather"] < 10


def test_what_a_frame_does_not_hold_is_not_blended_in():
    below, above = pair(20, 3)
    taken = half(20)
    laid = blended(below.copy(), above, taken, "feather", taken)
    assert np.array_equal(laid[:, :10], below[:, :10])
    assert np.array_equal(laid[:, 10:], blended(below.copy(), above, taken, "feather")[:, 10:])


def test_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch):
    below, above = pair(200, 5)
    taken = np.random.default_rng(0).random((200, 200)) < 0.5
    whole = blended(below.copy(), above, taken, "pyramid")
    for module in ("stacks.seams", "feathering"):
        monkeypatch.setattr(f"bridgetune.inference.{module}.TILE", 64)
    assert np.abs(whole.astype(int) - blended(below.copy(), above, taken, "pyramid")).max() <= 1


def test_shares_are_counted():
    taken = np.zeros((7, 7), bool)
    taken[3, 3] = True
    assert shares(taken, REACH).sum() == (2 * REACH + 1) ** 2
