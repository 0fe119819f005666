"""From what decoders return to samples of 8 or 16 bits that stand upright."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bridgetune.pictures._samples import UnsupportedError, cmyk_to_rgb, unsigned, upright, upright_size


@given(st.integers(1, 16))
def test_full_scale_becomes_full_scale_and_the_order_of_samples_stays(bits: int):
    levels = np.unique(np.linspace(0, 2**bits - 1, 50).astype(np.uint16))
    stretched = unsigned(levels, bits)
    assert stretched.dtype == (np.uint8 if bits <= 8 else np.uint16)
    assert (stretched[0], stretched[-1]) == (0, np.iinfo(stretched.dtype).max)
    assert (np.diff(stretched.astype(int)) > 0).all()


def test_8_and_16_bits_are_as_they_are():
    for kind, bits in ((np.uint8, 8), (np.uint16, 16)):
        samples = np.arange(256).astype(kind)
        assert np.array_equal(unsigned(samples, bits), samples)


def test_true_is_white():
    assert unsigned(np.array([False, True]), 1).tolist() == [0, 255]


@pytest.mark.parametrize("samples", [np.array([0, -1]), np.array([1 << 20], np.uint32), np.array([1 + 2j])])
def test_samples_of_another_type_are_named(samples: np.ndarray):
    with pytest.raises(UnsupportedError, match=f"^samples of type {samples.dtype}, expected unsigned"):
        unsigned(samples, 8 * samples.itemsize)


@pytest.mark.parametrize("orientation", [0, *range(1, 10)])
def test_an_orientation_is_applied_as_pillow_does(orientation: int):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    operation = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    expected = pixels if operation is None else np.asarray(Image.fromarray(pixels).transpose(operation))
    turned = upright(pixels, orientation)
    assert np.array_equal(turned, expected)
    assert upright_size((2, 4), orientation) == turned.shape[:2]


def test_without_ink_paper_is_white_and_black_ink_hides_all_others():
    full = np.iinfo(np.uint16).max
    inks = np.array([[[0, 0, 0, 0], [full, 0, 0, 0], [123, 45, 67, full]]], np.uint16)
    assert cmyk_to_rgb(inks).tolist() == [[[full, full, full], [0, full, full], [0, 0, 0]]]
