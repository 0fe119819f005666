"""TIFF as microscopes, cameras and programs write it."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from bridgetune.data import image_size, read_image
from bridgetune.errors import RequestError


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "zstd"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiff_of_any_lossless_compression_is_read(tmp_path, rng, compression, channels):
    pixels = rng.integers(0, 65536, (5, 7, channels), np.uint16)
    kind = "minisblack" if channels == 1 else "rgb"
    tifffile.imwrite(tmp_path / "a.tif", pixels.squeeze(), photometric=kind, compression=compression)
    picture = read_image(tmp_path / "a.tif")
    expected = pixels[..., :3] if channels > 1 else pixels.repeat(3, 2)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.gray == (channels == 1)


def test_a_white_is_zero_tiff_is_inverted(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 65535, 1000]], np.uint16), photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels[0, :, 0], [65535, 0, 64535])


def test_planes_stored_apart_are_put_together(tmp_path, rgb16):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(rgb16, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, rgb16)


def test_a_jpeg_compressed_tiff_has_the_colours_that_it_was_given(tmp_path):
    Image.new("YCbCr", (16, 16), (100, 90, 180)).save(tmp_path / "a.tif", compression="jpeg")
    expected = Image.new("YCbCr", (1, 1), (100, 90, 180)).convert("RGB").getpixel((0, 0))
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").pixels[0, 0], expected, atol=3)


def test_12_bits_are_stretched_to_the_full_scale_of_16(tmp_path):
    raw = np.array([[0, 1, 4095]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", raw, photometric="minisblack", bitspersample=12)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels[0, :, 0], [0, 16, 65535])


def test_a_float_tiff_between_0_and_1_becomes_16_bit(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 0.5, 1]], np.float32))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels[0, :, 0], [0, 32768, 65535])


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_a_float_tiff_outside_0_and_1_is_refused(tmp_path, value):
    tifffile.imwrite(tmp_path / "a.tif", np.full((3, 4), value, np.float32))
    with pytest.raises(RequestError, match="expected 0 to 1"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", [np.int16, np.uint32])
def test_samples_without_a_known_full_scale_are_refused(tmp_path, kind):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 4), kind))
    with pytest.raises(RequestError, match=f"samples of type {np.dtype(kind)}"):
        read_image(tmp_path / "a.tif")


def test_a_tiff_of_several_pages_is_refused_with_their_number(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 8, 9), np.uint8), photometric="minisblack")
    for read in (read_image, image_size):
        with pytest.raises(RequestError, match="3 pages, expected one"):
            read(tmp_path / "a.tif")


def test_a_thumbnail_is_no_page(tmp_path, rgb8):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(rgb8, photometric="rgb")
        file.write(rgb8[:2, :2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, rgb8)


def test_channels_without_a_meaning_are_refused(tmp_path, rgb8):
    tifffile.imwrite(tmp_path / "a.tif", rgb8, photometric="minisblack", planarconfig="contig")
    with pytest.raises(RequestError, match="MINISBLACK with 3 channels"):
        read_image(tmp_path / "a.tif")


def test_a_truncated_jpeg_in_a_tiff_is_refused(tmp_path, rng):
    pixels = rng.integers(0, 256, (64, 64, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression="jpeg")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:-20])
    with pytest.raises(RequestError, match="20 bytes are missing"):
        read_image(tmp_path / "a.tif")
