"""What Pillow decodes, and PNG of 16 bits."""

from __future__ import annotations

import warnings

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from bridgetune.data import image_size, read_image, write_image

RED = (200, 30, 40)


def test_16_bit_png_loses_its_alpha_and_nothing_else(tmp_path, rng):
    for channels in (2, 4):
        pixels = rng.integers(0, 65536, (5, 7, channels), np.uint16)
        (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
        picture = read_image(tmp_path / "a.png")
        np.testing.assert_array_equal(picture.pixels[..., 0], pixels[..., 0])
        assert picture.gray == (channels == 2)
        assert picture.pixels.shape == (5, 7, 3)


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        *(("png", mode) for mode in ("RGB", "RGBA", "P", "L", "LA", "1")),
        *(("tif", mode) for mode in ("RGB", "RGBA", "P", "L", "LA", "1", "CMYK")),
        *(("jpg", mode) for mode in ("RGB", "L", "CMYK")),
        ("gif", "P"),
    ],
)
def test_every_colour_mode_becomes_rgb(tmp_path, suffix, mode):
    image = Image.new("RGB", (4, 3), RED).convert(mode)
    image.save(tmp_path / f"a.{suffix}")
    picture = read_image(tmp_path / f"a.{suffix}")
    assert picture.pixels.shape == (3, 4, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.gray == (mode in ("L", "LA", "1"))
    tolerance = 3 if suffix == "jpg" else 1  # JPEG is lossy, and CMYK rounds
    np.testing.assert_allclose(picture.pixels, np.asarray(image.convert("RGB")), atol=tolerance)


def test_a_transparent_palette_is_read_without_a_warning(tmp_path, rgb8):
    image = Image.fromarray(rgb8).quantize(4)
    image.save(tmp_path / "a.png", transparency=b"\x00\x80\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))


def test_a_16_bit_pgm_keeps_its_depth(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 65535\n\x01\x02\xff\xff")
    np.testing.assert_array_equal(read_image(tmp_path / "a.pgm").pixels[0, :, 0], [0x0102, 65535])


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_pictures_beyond_pillows_limit_are_read_in_silence(tmp_path, rgb8, monkeypatch, suffix):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    write_image(tmp_path / f"a.{suffix}", rgb8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / f"a.{suffix}").size == image_size(tmp_path / f"a.{suffix}") == (5, 7)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_a_picture_is_the_same_in_strips(tmp_path, rng, suffix, monkeypatch):
    pixels = rng.integers(0, 256, (11, 5, 3), np.uint8)
    write_image(tmp_path / f"a.{suffix}", pixels)
    monkeypatch.setattr("bridgetune.pictures._pillow.STRIP", 4)
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}").pixels, pixels)
