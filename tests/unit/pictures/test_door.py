"""What comes in by the one door for image files, and what stays outside."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bridgetune.errors import RequestError
from bridgetune.pictures import image_size, is_jpeg, read_image, read_mask
from tests.support.hostile import directory, encoded, plain_tags

READERS = (read_image, image_size, is_jpeg, read_mask)


def _ftyp(*brands: bytes) -> bytes:
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(box) + 4).to_bytes(4, "big") + box + bytes(64)


FOREIGN = {
    "heic": (_ftyp(b"heic", b"mif1", b"heic"), "HEIC or HEIF"),
    "heif": (_ftyp(b"mif1", b"heix"), "HEIC or HEIF"),
    "avif": (_ftyp(b"avif", b"mif1"), "AVIF"),
    "cr3": (_ftyp(b"crx ", b"isom"), "Canon CR3, a camera's raw file; develop it to TIFF first"),
    "video": (_ftyp(b"isom", b"mp42"), "a video"),
    "cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(64), "Canon CR2, a camera's raw file"),
    "raf": (b"FUJIFILMCCD-RAW 0201" + bytes(64), "Fujifilm RAF, a camera's raw file"),
    "orf": (b"IIRO" + bytes(64), "Olympus ORF, a camera's raw file"),
    "rw2": (b"IIU\0" + bytes(64), "Panasonic RW2, a camera's raw file"),
    "dng": (directory({**plain_tags(), 50706: (1, 4, 0x401)}, data=bytes(200)), "DNG, a camera's raw file"),
    "pattern": (directory({**plain_tags(), 262: (3, 1, 32803)}, data=bytes(200)), "a camera's raw file"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n(hello) print\nshowpage\n", "PostScript, expected a PNG, TIFF"),
    "pdf": (b"%PDF-1.7\n" + bytes(64), "a PDF"),
    "psd": (b"8BPS" + bytes(64), "Photoshop"),
    "dicom": (bytes(128) + b"DICM" + bytes(64), "DICOM"),
    "svg": (b'<?xml version="1.0"?><svg width="9" height="9"/>', "SVG"),
    "page": (b"\n<!DOCTYPE html><html>Not found</html>", "an HTML page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
    "ico": (b"\0\0\1\0\1\0" + bytes(64), "not an image, whatever its suffix says; expected a PNG, TIFF"),
    "nothing": (b"", "an empty file"),
}


@pytest.mark.usefixtures("without_extras")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_read_is_said_to_be_what_it_is(tmp_path: Path, kind: str, suffix: str):
    path = tmp_path / f"a{suffix}"
    data, said = FOREIGN[kind]
    path.write_bytes(data)
    for read in (read_image, image_size):
        with pytest.raises(RequestError) as error:
            read(path)
        assert str(error.value).startswith(f"{path}: ")
        assert said in str(error.value)


@pytest.mark.usefixtures("without_extras")
def test_raw_below_a_thumbnail_is_raw(tmp_path: Path):
    inner = directory({**plain_tags(), 262: (3, 1, 32803)})[8:]
    outer = directory({**plain_tags(place=400), 330: (4, 1, 300)})
    (tmp_path / "a.tif").write_bytes(outer.ljust(300, b"\0") + inner.ljust(300, b"\0"))
    with pytest.raises(RequestError, match="a camera's raw file; develop it"):
        read_image(tmp_path / "a.tif")


def test_postscript_starts_no_other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def started(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setattr(os, "system", started)
    (tmp_path / "a.png").write_bytes(FOREIGN["postscript"][0])
    with pytest.raises(RequestError, match="PostScript"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_what_is_no_regular_file_is_never_opened(tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for a writer, for ever
    (tmp_path / "link.png").symlink_to(tmp_path / "pipe.png")
    monkeypatch.chdir(tmp_path)  # a socket's name has 107 bytes at most
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        for name, said in (
            ("pipe.png", "is a FIFO"),
            ("link.png", "is a FIFO"),
            ("socket.png", "is a socket"),
            ("/dev/zero", "is a device"),
            ("/proc/self/status", "an empty file"),
            (".", "is a folder"),
        ):
            with pytest.raises(RequestError, match=said):
                read(name)


def test_a_suffix_of_another_format_is_no_matter(tmp_path: Path, rgb8: np.ndarray):
    for kind in ("PNG", "TIFF", "BMP", "PPM"):
        (tmp_path / "a.jpg").write_bytes(encoded(rgb8, kind))
        np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").pixels, rgb8)


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_would_take_long_to_be_read_through_is_refused_unread(tmp_path, reader):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(np.zeros((8, 8, 3), np.uint8), "PNG"))
    os.truncate(path, 3 << 30)
    with pytest.raises(RequestError, match="a PNG file of 3072 MB, expected 2048 at most; save it as TIFF"):
        reader(path)
