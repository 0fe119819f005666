from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bridgetune.data.framing import Framing
from bridgetune.errors import RequestError


def ramp(height: int, width: int, kind: type[np.generic] = np.uint8) -> np.ndarray:
    """Every pixel with a colour of its own."""
    return np.arange(height * width * 3).reshape(height, width, 3).astype(kind)


def test_resizing_is_pillows_bilinear(rng):
    image = rng.integers(0, 256, (20, 30, 3), np.uint8)
    (framed,) = Framing(16, "resize", flips=False).apply([image], rng)
    expected = Image.fromarray(image).resize((16, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(framed, np.asarray(expected))


def test_16_bit_is_resized_like_8_bit_and_finer(rng):
    image = rng.integers(0, 256, (20, 30, 3), np.uint8)
    coarse, fine = Framing(16, "resize", flips=False).apply([image, image.astype(np.uint16) * 257], rng)
    assert fine.dtype == np.uint16
    np.testing.assert_allclose(fine / 257, coarse, atol=1)
    assert (fine % 257 != 0).any()


def test_a_mask_stays_binary_when_resized(rng):
    mask = rng.random((20, 30)) > 0.5
    (framed,) = Framing(64, "resize", flips=False).apply([mask], rng)
    assert framed.dtype == np.bool_
    assert framed.shape == (64, 64)
    np.testing.assert_allclose(framed.mean(), mask.mean(), atol=0.05)


@given(height=st.integers(1, 40), width=st.integers(1, 40), size=st.integers(1, 30), seed=st.integers(0, 99))
def test_every_layer_comes_out_of_the_size_whatever_goes_in(height, width, size, seed):
    for fit in ("resize", "crop"):
        layers = [ramp(height, width), np.ones((height, width), bool)]
        image, mask = Framing(size, fit, flips=True).apply(layers, np.random.default_rng(seed))
        assert image.shape == (size, size, 3)
        assert mask.shape == (size, size)
        assert mask.all()


@given(seed=st.integers(0, 999))
def test_a_crop_is_a_part_at_native_scale(seed):
    image = ramp(20, 30, np.uint16)
    (framed,) = Framing(8, "crop", flips=False).apply([image], np.random.default_rng(seed))
    top, left = np.argwhere((image == framed[0, 0]).all(axis=2))[0]
    np.testing.assert_array_equal(framed, image[top : top + 8, left : left + 8])


def test_crops_reach_every_corner(rng):
    image = ramp(9, 10, np.uint16)
    corners = {
        tuple(framed[0, 0]) for framed in (Framing(8, "crop", flips=False).apply([image], rng)[0] for _ in range(200))
    }
    assert corners == {tuple(image[top, left]) for top in range(2) for left in range(3)}


def test_a_picture_too_small_for_the_crop_is_enlarged_alike_in_both_directions(rng):
    image = rng.integers(0, 256, (10, 20, 3), np.uint8)
    (framed,) = Framing(40, "crop", flips=False).apply([image], rng)
    fourfold = np.asarray(Image.fromarray(image).resize((80, 40), Image.Resampling.BILINEAR))
    assert any((framed == fourfold[:, left : left + 40]).all() for left in range(41))


def test_layers_are_flipped_together_in_all_four_ways(rng):
    image = ramp(4, 4, np.uint16)
    seen = set()
    for _ in range(64):
        first, second = Framing(None, "resize", flips=True).apply([image, image], rng)
        np.testing.assert_array_equal(first, second)
        seen.add(first.tobytes())
    assert seen == {image[::a, ::b].tobytes() for a in (1, -1) for b in (1, -1)}


def test_without_a_size_the_picture_keeps_its_own(rng):
    image = ramp(5, 7)
    (framed,) = Framing(None, "crop", flips=False).apply([image], rng)
    np.testing.assert_array_equal(framed, image)


def test_a_size_of_nothing_and_an_unknown_fit_are_refused():
    with pytest.raises(RequestError, match="size: got 0"):
        Framing(0, "resize", flips=False)
    with pytest.raises(RequestError, match="fit: got 'stretch'"):
        Framing(8, "stretch", flips=False)
