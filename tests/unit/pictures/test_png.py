"""PNG whose chunks are not whole, and what else a PNG may carry."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from bridgetune.errors import RequestError
from bridgetune.pictures import image_size, read_image
from tests.support.hostile import PNG, chunk, png

HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
ROWS = bytes(72)
PIXELS, END = chunk(b"IDAT", zlib.compress(ROWS)), chunk(b"IEND", b"")


def _wrong_checksum(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


DAMAGED = {
    "no end": PNG + HEADER + PIXELS,
    "no pixels": PNG + HEADER + END,
    "no header": PNG + PIXELS + END,
    "two headers": PNG + HEADER + HEADER + PIXELS + END,
    "a header's checksum": PNG + _wrong_checksum(HEADER) + PIXELS + END,
    "the pixels' checksum": PNG + HEADER + _wrong_checksum(PIXELS) + END,
    "a text's checksum": PNG + HEADER + _wrong_checksum(chunk(b"tEXt", b"a\0b")) + PIXELS + END,
    "the checksum within": PNG + HEADER + chunk(b"IDAT", _wrong_checksum(zlib.compress(ROWS))) + END,
    "no checksum within": PNG + HEADER + chunk(b"IDAT", zlib.compress(ROWS)[:-4]) + END,
    "too few rows": PNG + HEADER + chunk(b"IDAT", zlib.compress(ROWS[:-9])) + END,
    "far too many rows": PNG + HEADER + chunk(b"IDAT", zlib.compress(bytes(8 << 20))) + END,
    "a kind that must be known": PNG + HEADER + chunk(b"ABCD", b"") + PIXELS + END,
    "a length beyond the end": PNG + HEADER + b"\x7f\xff\xff\xffIDAT" + PIXELS + END,
    "chunks without number": PNG + HEADER + chunk(b"tEXt", b"") * 20_000 + PIXELS + END,
    "no such depth": PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 5, 0, 0, 0, 0)) + PIXELS + END,
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_png_is_refused_in_silence(tmp_path: Path, capfd, caplog, kind: str, bits: int):
    data = DAMAGED[kind]
    if bits == 16:  # decoded by another library, of half as many pixels
        data = data.replace(HEADER, chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 8, 16, 0, 0, 0, 0)))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(RequestError, match="cannot be read"):
        read_image(tmp_path / "a.png")
    assert capfd.readouterr().err == ""
    assert caplog.messages == []


def test_the_png_that_the_damaged_ones_are_made_of_is_read(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(PNG + HEADER + PIXELS + END)
    assert read_image(tmp_path / "a.png").size == (8, 8)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_texts_and_profiles_of_any_size_are_not_looked_at(tmp_path: Path, kind: bytes):
    bomb = zlib.compress(bytes(8 << 20), 9)
    before = chunk(kind, (b"a\0\1\0\0\0" if kind == b"iTXt" else b"a\0\0") + bomb)
    (tmp_path / "a.png").write_bytes(png(8, 8, ROWS, before=before))
    assert read_image(tmp_path / "a.png").size == image_size(tmp_path / "a.png") == (8, 8)


@pytest.mark.parametrize("exif", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", bytes(99)])
def test_damaged_exif_does_not_keep_pixels_from_being_read(tmp_path: Path, exif: bytes):
    (tmp_path / "a.png").write_bytes(png(8, 8, ROWS, before=chunk(b"eXIf", exif)))
    assert read_image(tmp_path / "a.png").size == (8, 8)


def test_an_interlaced_png_is_read(tmp_path: Path):
    rows = bytes(64 + 15)  # seven passes have 15 rows, each with a byte for its filter
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1))
    (tmp_path / "a.png").write_bytes(PNG + header + chunk(b"IDAT", zlib.compress(rows)) + END)
    assert not read_image(tmp_path / "a.png").pixels.any()


def test_a_decoder_that_has_something_to_say_is_not_heard(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(8 * 17) + b"more than there are pixels"))
    (tmp_path / "a.png").write_bytes(PNG + header + pixels + END)
    assert not read_image(tmp_path / "a.png").pixels.any()
    assert caplog.messages == []
