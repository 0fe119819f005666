"""The order of frames, measured from themselves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bridgetune.inference.stacks.looking import Look, look
from bridgetune.inference.stacks.order import depth_order, distances, is_astray
from bridgetune.pictures import Picture


def slope(frames: int, side: int = 120) -> list[Look]:
    """Looks at frames of a slanted texture, focused from its top to its bottom."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 1)).astype(np.uint8).repeat(3, 2)
    levels = np.stack([cv2.GaussianBlur(noise, (0, 0), 0.3 + 0.5 * step) for step in range(frames + 1)])
    depth = np.linspace(0, frames - 1, side)[:, None].repeat(side, 1)
    looks = []
    for place in range(frames):
        apart = np.rint(np.abs(depth - place)).astype(int)
        looks.append(look(Picture(np.take_along_axis(levels, apart[None, ..., None], 0)[0], gray=True)))
    return looks


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_frames_are_put_in_order(seed: int):
    looks = slope(9)
    mixed = np.random.default_rng(seed).permutation(9)
    order = depth_order([looks[place] for place in mixed])
    found = [int(mixed[at]) for at in order]
    assert found in (list(range(9)), list(range(8, -1, -1)))


def test_an_order_that_is_right_is_kept_and_begins_where_it_began():
    assert depth_order(slope(7)) == list(range(7))
    assert depth_order(slope(7)[::-1]) == list(range(7))


def test_frames_that_jump_to_and_fro_are_told_from_those_in_order():
    looks = slope(7)
    assert not is_astray(looks)
    assert not is_astray([*looks[:2], looks[3], looks[2], *looks[4:]]), "two neighbours exchanged"
    assert is_astray([looks[place] for place in (3, 0, 5, 1, 6, 2, 4)])
    assert not is_astray([looks[place] for place in (3, 0, 2, 1)]), "of so few frames nothing is told"


def test_one_or_two_frames_have_their_order():
    looks = slope(2)
    assert depth_order(looks) == [0, 1]
    assert depth_order(looks[:1]) == [0]


def test_frames_that_are_one_do_not_differ_and_frames_further_apart_differ_more():
    looks = slope(5)
    apart = distances([*looks, looks[0]])
    assert apart[0, 5] == 0
    assert apart[0, 1] < apart[0, 2]
    assert np.array_equal(apart, apart.T)
