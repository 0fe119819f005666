"""Pictures that their files have no room for, and even ones that they have."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from bridgetune.errors import RequestError
from bridgetune.pictures import image_size, read_image, write_image
from bridgetune.pictures._room import DEFLATE, EVEN, refuse_without_room
from tests.support.hostile import directory, encoded, jpeg_declaring, plain_tags, png, tiff

RGB = np.zeros((16, 16, 3), np.uint8)
GRAY = RGB[..., 0]


def _declaring(data: bytes, place: int, value: bytes) -> bytes:
    return data[:place] + value + data[place + len(value) :]


BOMBS = {
    "png": png(65536, 65536, bytes(9000), bits=1),
    "png of 16 bits": png(30000, 30000, bytes(9000), bits=16),
    "jpeg": jpeg_declaring(65535, 34464),
    "bmp": _declaring(encoded(RGB, "BMP"), 18, b"\xff\xff\0\0\xff\xff\0\0"),
    "gif": _declaring(encoded(GRAY, "GIF"), 6, b"\xff\xff\xff\xff"),
    "webp": b"RIFF\x80\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff".ljust(200, b"\0"),
    "webp, lossless": b"RIFF\x80\0\0\0WEBPVP8L\x40\0\0\0\x2f\xff\xff\xff\x0f".ljust(200, b"\0"),
    "pnm": b"P5 60000 60000 255\n" + bytes(64),
    "jpeg 2000": _declaring(data := encoded(RGB, "JPEG2000"), data.index(b"\xff\x4f\xff\x51") + 8, b"\0\xff" * 4),
    "tiff": directory(plain_tags(60000, 60000, 130), data=bytes(300)),
    "tiff of deflate": directory({**plain_tags(60000, 60000, 130), 259: (3, 1, 8), 279: (4, 1, 100)}, data=bytes(300)),
    "tiff of Zstandard": directory(
        {**plain_tags(60000, 60000, 130), 259: (3, 1, 50000), 279: (4, 1, 100)}, data=bytes(300)
    ),
    "tiff of a tile": directory(
        {
            **{tag: value for tag, value in plain_tags().items() if tag not in (273, 278, 279)},
            **{259: (3, 1, 50000), 322: (4, 1, 65536), 323: (4, 1, 65536), 324: (4, 1, 150), 325: (4, 1, 100)},
        },
        data=bytes(300),
    ),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_a_file_cannot_hold_is_refused_before_memory_is_taken(tmp_path: Path, kind: str):
    path = tmp_path / "a.png"
    path.write_bytes(BOMBS[kind])
    tracemalloc.start()
    try:
        for read in (image_size, read_image):
            with pytest.raises(RequestError, match=r"cannot be read \(.*(pixels|tiles|missing)"):
                read(path)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.bmp"])
def test_a_picture_all_black_is_read(tmp_path: Path, name: str):
    write_image(tmp_path / name, np.zeros((2000, 3000, 3), np.uint8))
    assert not read_image(tmp_path / name).pixels.any()


@pytest.mark.parametrize("compression", ["lzw", "deflate", "packbits", "zstd", "lzma", "jpeg", "webp"])
def test_a_tiff_all_black_is_read_of_any_compression(tmp_path: Path, compression: str):
    (tmp_path / "a.tif").write_bytes(
        tiff(np.zeros((1000, 1000, 3), np.uint8), photometric="rgb", compression=compression)
    )
    assert not read_image(tmp_path / "a.tif").pixels.any()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "JPEG2000", "PPM", "JPEG"])
def test_others_all_black_are_read(tmp_path: Path, kind: str):
    options = {"progressive": True, "optimize": True} if kind == "JPEG" else {}
    (tmp_path / "a").write_bytes(encoded(np.zeros((1000, 1000), np.uint8), kind, **options))
    assert not read_image(tmp_path / "a").pixels.any()


@pytest.mark.parametrize(("height", "width"), [(0, 5), (5, 0)])
def test_no_pixels_are_no_picture(tmp_path: Path, height: int, width: int):
    for data in (
        png(width, height, bytes(30)),
        jpeg_declaring(width, height),
        directory(plain_tags(width, height), data=bytes(300)),
        b"P5 %d %d 255\n" % (width, height) + bytes(30),
    ):
        (tmp_path / "a.png").write_bytes(data)
        for read in (image_size, read_image):
            with pytest.raises(RequestError, match="cannot be read"):
                read(tmp_path / "a.png")


def test_24_megapixels_may_be_even_and_what_is_larger_needs_a_byte_for_a_hundred_pixels():
    refuse_without_room((4000, 6000), 1, 4000 * 18001, 4000 * 18001 // DEFLATE + 1, DEFLATE)
    side = 20_000
    assert 3 * side * side > EVEN
    refuse_without_room((side, side), 1, side * side, side * side // 99, DEFLATE)
    with pytest.raises(ValueError, match="less than a byte for 100 pixels"):
        refuse_without_room((side, side), 1, side * side, side * side // 101, DEFLATE)
