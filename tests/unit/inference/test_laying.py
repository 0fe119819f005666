"""Where the seam of a pair is laid."""

from __future__ import annotations

import heapq

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bridgetune.inference import laying
from bridgetune.inference.fusing import fuse_full
from bridgetune.inference.laying import REACH, laid
from bridgetune.protocol import Generator

SIDE = 128


def a_veil(kind: type = np.uint8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A dark disk in focus in the first, a wide veil in the second, and a map whose boundary lies within the veil."""
    full = np.iinfo(kind).max
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    distance = np.hypot(rows, columns)
    bright = np.full((SIDE, SIDE), 0.8, np.float32)
    bright[distance < 20] = 0.2
    first, second = ((image * full).astype(kind) for image in (bright, cv2.GaussianBlur(bright, (0, 0), 8)))
    return *(np.repeat(image[..., None], 3, axis=2) for image in (first, second)), distance < 26


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_seam_goes_to_where_a_veil_ends(kind: type):
    first, second, taken = a_veil(kind)
    full = np.iinfo(kind).max
    seams = []
    for decided in (taken, laid(taken, first, second)):
        beside = decided[1:] != decided[:-1]
        apart = np.abs(first[1:].astype(float) - second[1:]).max(2) / full
        seams.append(apart[beside].max())
    assert seams[0] > 0.1
    assert seams[1] < 0.03


def test_exchanging_the_pictures_exchanges_the_seam():
    first, second, taken = a_veil()
    assert np.array_equal(laid(~taken, second, first), ~laid(taken, first, second))
    assert not np.array_equal(laid(taken, first, second), taken)


def test_nothing_changes_where_pictures_are_alike_or_one_has_detail():
    first, second, taken = a_veil()
    assert np.array_equal(laid(taken, first, first), taken)
    coarse = np.random.default_rng(0).integers(0, 60, (SIDE // 4, SIDE // 4, 1), dtype=np.uint8)
    grain = coarse.repeat(4, 0).repeat(4, 1)
    assert np.array_equal(laid(taken, first // 2 + grain, second // 2 + grain), taken)
    less = laid(taken, first // 2 + grain, second // 2 + grain // 3)
    assert less[~taken].any(), "there the other has far more"
    assert less[taken].all()
    for whole in (np.ones_like(taken), np.zeros_like(taken)):
        assert np.array_equal(laid(whole, first, second), whole)


def test_seam_stays_where_pictures_differ_by_as_much_everywhere():
    grain = np.random.default_rng(0).integers(0, 60, (60, 10, 1), dtype=np.uint8).repeat(4, 1).repeat(3, 2)
    first = np.concatenate([grain + 40, np.full((60, 60, 3), 70, np.uint8), grain + 40], axis=1)
    taken = np.zeros((60, 140), bool)
    taken[:, :55] = True
    taken[20:30, 55:70] = True
    assert np.array_equal(laid(taken, first, first + np.uint8(12)), taken)


def test_pixels_far_from_the_boundary_stay():
    first, second = np.full((40, 300, 3), 50, np.uint8), np.full((40, 300, 3), 90, np.uint8)
    second[:, 140:] = np.linspace(90, 230, 160, dtype=np.uint8)[:, None]  # the farther, the less alike
    taken = np.zeros((40, 300), bool)
    taken[:, :150] = True
    changed = np.flatnonzero((laid(taken, first, second) != taken).any(0))
    assert len(changed)
    assert abs(changed - 149.5).max() <= REACH


@given(st.integers(0, 2**32 - 1), st.integers(8, 40), st.integers(8, 40), st.sampled_from([1, 5]))
@settings(max_examples=40, deadline=None)
def test_free_pixels_go_to_the_side_that_is_reached_over_what_differs_more(
    seed: int, height: int, width: int, smooth: int
):
    rng = np.random.default_rng(seed)
    first, second = (cv2.blur(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), (smooth,) * 2) for _ in "12")
    taken = cv2.blur(rng.random((height, width)), (5, 5)) < 0.5
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(laying, "EVEN", 1.0)
        patched.setattr(laying, "REACH", 4)
        patched.setattr(laying, "UNLIKE", 0.05)
        found = laid(taken, first, second)
        places, apart = laying._free(taken, first, second)
        patched.setattr(laying, "TILE", 7)
        assert np.array_equal(laid(taken, first, second), found)
        assert np.array_equal(~laid(~taken, second, first), found)
    differ = np.zeros(taken.shape)
    differ.ravel()[places] = apart
    from_first, from_second = (reached(differ, (differ == 0) & side) for side in (taken, ~taken))
    free, both = differ > 0, (from_first > 0) & (from_second > 0)
    assert np.array_equal(found[~both], taken[~both])
    assert found[free & both & (from_first > from_second)].all()
    assert not found[free & both & (from_second > from_first)].any()


def reached(differ: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Of the way from a source to each free pixel, the least that the pictures differ on it, on the best such way."""
    best = np.zeros(differ.shape)
    waiting = [(-np.inf, *place) for place in np.argwhere(sources)]
    heapq.heapify(waiting)
    while waiting:
        least, row, column = heapq.heappop(waiting)
        for beside in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if all(0 <= place < side for place, side in zip(beside, differ.shape, strict=True)):
                way = min(-least, differ[beside])
                if way > best[beside]:
                    best[beside] = way
                    heapq.heappush(waiting, (-way, *beside))
    return best


class Decided(Generator):
    """Sure of one map, whatever it is shown."""

    def __init__(self, taken: np.ndarray) -> None:
        super().__init__()
        self.logits = torch.from_numpy(np.where(taken, 9.0, -9.0).astype(np.float32))[None, None]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.logits


def test_a_softened_seam_is_laid_and_a_step_is_not():
    first, second, taken = a_veil()
    generator = Decided(taken).eval()
    steps, feather = (fuse_full(generator, first, second, blend=blend)[1] == 1 for blend in ("none", "feather"))
    assert np.array_equal(steps, taken)
    assert np.array_equal(feather, laid(taken, first, second))
