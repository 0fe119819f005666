"""TIFF as microscopes, cameras and programs write it."""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from bridgetune.data import image_size, read_image
from bridgetune.errors import RequestError
from tests.support import hostile


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


COMPRESSIONS = ("none", "lzw", "deflate", "packbits", "zstd", "lzma", "jpeg", "webp")


def _strips(compression: str) -> bytes:
    """A picture of four strips, whose directory stands before them, and the last strip at the end."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    kind = None if compression == "none" else compression
    return hostile.tiff(noise, photometric="rgb", compression=kind, rowsperstrip=16)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_tiff_that_is_cut_off_anywhere_is_refused(tmp_path, compression):
    whole = _strips(compression)
    for keep in (*range(len(whole) - 12, len(whole)), len(whole) // 2, 300, 100, 9):
        (tmp_path / "a.tif").write_bytes(whole[:keep])
        with pytest.raises(RequestError):
            read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [name for name in COMPRESSIONS if name != "none"])
@pytest.mark.parametrize("missing", [5, 200])
def test_a_strip_that_is_shorter_than_its_rows_is_refused_although_the_file_is_whole(tmp_path, compression, missing):
    whole = _strips(compression)
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        counts = file.pages[0].tags[279]
        where, kind = counts.valueoffset, {3: "<H", 4: "<I"}[counts.dtype]
        length = counts.value[0]
    damaged = bytearray(whole)
    struct.pack_into(kind, damaged, where, length - missing)
    (tmp_path / "a.tif").write_bytes(damaged)
    with pytest.raises(RequestError, match="cannot be read"):
        read_image(tmp_path / "a.tif")


def test_pillows_lzw_is_refused_without_its_last_byte(tmp_path, rng):
    whole = hostile.encoded(rng.integers(0, 256, (40, 52, 3), np.uint8), "TIFF", compression="tiff_lzw")
    (tmp_path / "a.tif").write_bytes(whole)
    read_image(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(whole[:-1])
    with pytest.raises(RequestError, match="beyond its end"):
        read_image(tmp_path / "a.tif")


PLAIN = hostile.plain_tags()
INCONSISTENT = {
    "colours of one sample": hostile.directory({**PLAIN, 262: (3, 1, 2)}, data=bytes(300)),
    "colours of two samples": hostile.directory(
        {**PLAIN, 262: (3, 1, 2), 277: (3, 1, 2), 279: (4, 1, 32)}, data=bytes(300)
    ),
    "pages in a circle": hostile.directory(PLAIN, following=8, data=bytes(300)),
    "a page beyond the end": hostile.directory(PLAIN, following=9999, data=bytes(300)),
    "no strip": hostile.directory({tag: PLAIN[tag] for tag in PLAIN if tag not in (273, 279)}, data=bytes(300)),
    "an empty strip": hostile.directory({**PLAIN, 279: (4, 1, 0)}, data=bytes(300)),
    "a strip too short": hostile.directory({**PLAIN, 279: (4, 1, 15)}, data=bytes(300)),
    "a strip too long": hostile.directory({**PLAIN, 279: (4, 1, 60)}, data=bytes(300)),
    "a strip beyond the end": hostile.directory({**PLAIN, 273: (4, 1, 9999)}, data=bytes(300)),
    "strips of no rows": hostile.directory({**PLAIN, 278: (4, 1, 0)}, data=bytes(300)),
    "too few strips": hostile.directory({**PLAIN, 278: (4, 1, 1), 279: (4, 1, 4)}, data=bytes(300)),
    "strips without number": hostile.directory({**PLAIN, 273: (4, 2**31, 0), 279: (4, 2**31, 0)}, data=bytes(300)),
    "no tags": b"II*\0\x08\0\0\0\0\0" + bytes(60),
    "more tags than there are": b"II*\0\x08\0\0\0\xff\xff" + bytes(60),
    "a compression that is many": hostile.directory({**PLAIN, 259: (3, 9, 100)}, data=bytes(300)),
    "a compression that nobody knows": hostile.directory({**PLAIN, 259: (3, 1, 999)}, data=bytes(300)),
    "tiles of no width": hostile.directory(
        {**PLAIN, 322: (4, 1, 0), 323: (4, 1, 16), 324: (4, 1, 200), 325: (4, 1, 16)}, data=bytes(300)
    ),
    "a profile beyond the end": hostile.directory({**PLAIN, 34675: (7, 1 << 30, 200)}, data=bytes(300)),
}


@pytest.mark.parametrize("kind", INCONSISTENT)
def test_a_tiff_that_does_not_add_up_is_refused_in_silence(tmp_path, caplog, kind):
    (tmp_path / "a.tif").write_bytes(INCONSISTENT[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RequestError) as error:
            read_image(tmp_path / "a.tif")
    assert str(error.value).startswith(f"{tmp_path / 'a.tif'}: ")
    assert len(str(error.value)) < 600
    assert caplog.messages == []


def test_the_directory_that_the_inconsistent_ones_are_made_of_is_read(tmp_path):
    (tmp_path / "a.tif").write_bytes(hostile.directory(PLAIN, data=bytes(300)))
    assert read_image(tmp_path / "a.tif").size == (4, 4)


def test_directories_below_that_return_to_one_another_are_passed_over(tmp_path):
    (tmp_path / "a.tif").write_bytes(hostile.directory({**PLAIN, 330: (4, 1, 8)}, data=bytes(300)))
    assert read_image(tmp_path / "a.tif").size == (4, 4)
