"""Frames made smaller as they are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.pictures import HeldFrames, Metadata, Picture
from bridgetune.pictures.reduced import ReducedFrames, reduced


@pytest.mark.parametrize(("kind", "scale"), [(np.uint8, 1), (np.uint16, 257)])
def test_blocks_become_their_means_in_8_bits(kind: type, scale: int):
    pixels = (np.array([[0, 10, 100, 100, 9], [20, 30, 100, 104, 9]]) * scale).astype(kind)
    np.testing.assert_array_equal(reduced(pixels, 2), [[15, 101]])
    colours = np.repeat(pixels[..., None], 3, axis=2)
    np.testing.assert_array_equal(reduced(colours, 2), [[[15] * 3, [101] * 3]])
    assert reduced(pixels, 2).dtype == np.uint8


@given(height=st.integers(1, 30), width=st.integers(1, 30), side=st.integers(1, 40))
def test_sizes_are_those_of_what_is_read(height: int, width: int, side: int):
    frames = ReducedFrames(HeldFrames([np.full((height, width, 3), 200, np.uint8)]), side)
    picture = frames.read(0)
    assert picture.size == frames.size(0)
    assert max(picture.size) <= side
    assert (picture.pixels == 200).all()
    assert (frames.factor == 1) == (max(height, width) <= side)


def test_the_profile_is_kept_and_what_is_said_of_the_pixels_size_is_not():
    pixels = np.zeros((4, 4, 3), np.uint8)
    carried = Metadata(profile=b"icc", resolution=(300, 300))
    picture = Picture(pixels, gray=False, alpha=pixels[..., 0], metadata=carried)
    frames = ReducedFrames(HeldFrames([picture], names=["a.jpg"]), 2)
    found = frames.read(0)
    assert (frames.names, len(frames)) == (("a.jpg",), 1)
    assert found.metadata == Metadata(profile=b"icc")
    assert found.alpha is not None
    assert found.alpha.shape == (2, 2)
