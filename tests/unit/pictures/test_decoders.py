"""The table of file kinds: each is read right, or refused in one line that says how it is mended."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageCms

from bridgetune.errors import RequestError
from bridgetune.pictures import image_size, open_frames, read_whole_image, write_image
from tests.support.files import DATED, MAKER, RED, SCENE, dng, heif
from tests.support.hostile import tiff

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = Image.Exif()
EXIF[MAKER], EXIF[DATED] = "Maker", "2026:01:02 03:04:05"


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        make: Its bytes, of `SCENE`.
        bits: That it is read in.
        exact: How far its pixels may be from the scene's, in 8 bits.
        metadata: Whether it carries Exif and a profile.
        needs: A module that reads it.
    """

    make: Callable[[], bytes]
    bits: int = 8
    exact: float = 0.0
    metadata: bool = False
    needs: str = "PIL"


DEEP = SCENE.astype(np.uint16) * 257
GRAY = SCENE[..., 0]


def _saved(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (image or Image.fromarray(SCENE)).save(file, kind, **options)
    return file.getvalue()


def _cmyk() -> Image.Image:
    return Image.fromarray(np.dstack([255 - SCENE, np.zeros_like(GRAY)]), "CMYK")


def _palette() -> Image.Image:
    return Image.fromarray(SCENE).quantize(256)


CARRIED = {"exif": EXIF, "icc_profile": SRGB}
KINDS = {
    "JPEG": Kind(lambda: _saved("JPEG", quality=100, subsampling=0, **CARRIED), exact=4, metadata=True),
    "JPEG in CMYK": Kind(lambda: _saved("JPEG", _cmyk(), quality=100, subsampling=0), exact=6),
    "PNG of 8 bits": Kind(lambda: _saved("PNG", **CARRIED), metadata=True),
    "PNG with a palette": Kind(lambda: _saved("PNG", _palette())),
    "TIFF of 8 bits": Kind(lambda: _saved("TIFF", **CARRIED), metadata=True),
    "TIFF of 16 bits": Kind(lambda: tiff(DEEP, photometric="rgb"), bits=16),
    "TIFF of float32": Kind(lambda: tiff(SCENE.astype(np.float32) / 255, photometric="rgb"), bits=16),
    "TIFF, big-endian": Kind(lambda: tiff(DEEP, photometric="rgb", byteorder=">"), bits=16),
    "BigTIFF": Kind(lambda: tiff(DEEP, photometric="rgb", bigtiff=True), bits=16),
    "BigTIFF, big-endian": Kind(lambda: tiff(DEEP, photometric="rgb", bigtiff=True, byteorder=">"), bits=16),
    "TIFF with a palette": Kind(lambda: _saved("TIFF", _palette())),
    "TIFF in CMYK": Kind(lambda: _saved("TIFF", _cmyk())),
    "TIFF of OME": Kind(lambda: tiff(SCENE, photometric="rgb", ome=True, metadata={"axes": "YXS"})),
    "HEIC": Kind(lambda: heif(SCENE, exif=EXIF.tobytes()), exact=2, needs="pillow_heif"),
    "HEIC of 10 bits": Kind(lambda: heif(DEEP), bits=16, exact=2, needs="pillow_heif"),
}
"""What is read, with the scene's colours."""


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_file_is_read_right(tmp_path: Path, name: str):
    kind = KINDS[name]
    pytest.importorskip(kind.needs)
    path = tmp_path / "Fläche 1.JPG"  # what a file holds tells its kind, whatever it is called
    path.write_bytes(kind.make())
    picture = read_whole_image(path)
    assert (picture.bits, picture.gray, image_size(path)) == (kind.bits, False, SCENE.shape[:2])
    found = picture.pixels / (257 if kind.bits == 16 else 1)
    assert np.abs(found - SCENE).max() <= kind.exact
    assert not picture.metadata.broken
    if kind.metadata:
        assert picture.metadata.profile == SRGB
        assert picture.metadata.exif is not None
        assert picture.metadata.exif.picture[MAKER][1] == b"Maker\0"
    (frame,) = open_frames([path]).places
    np.testing.assert_array_equal(read_whole_image(*frame).pixels, picture.pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_gray_and_alpha_are_kept_apart(tmp_path: Path, suffix: str, bits: int):
    deep = {8: SCENE, 16: DEEP}[bits]
    write_image(tmp_path / f"a{suffix}", deep[..., 0], alpha=deep[..., 1])
    picture = read_whole_image(tmp_path / f"a{suffix}")
    assert (picture.gray, picture.bits) == (True, bits)
    np.testing.assert_array_equal(picture.pixels[..., 2], deep[..., 0])
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, deep[..., 1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_is_turned_once(tmp_path: Path, orientation: int):
    """The decoder turns it by the file's own box; Exif's number, which says the same, must not turn it again."""
    pytest.importorskip("pillow_heif")
    path = tmp_path / "a.heic"
    path.write_bytes(heif(SCENE, orientation=orientation))
    picture = read_whole_image(path)
    assert picture.size == image_size(path)
    assert picture.size == (SCENE.shape[:2] if orientation < 5 else SCENE.shape[1::-1])
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    np.testing.assert_allclose(picture.pixels[corner[orientation]], RED, atol=3)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_raw_file_is_developed_to_16_bits(tmp_path: Path, orientation: int):
    pytest.importorskip("rawpy")
    path = tmp_path / "a.dng"
    path.write_bytes(dng(orientation=orientation))
    picture = read_whole_image(path)
    assert (picture.bits, picture.gray) == (16, False)
    assert picture.size == image_size(path) == ((96, 128) if orientation == 1 else (128, 96))
    along = picture.pixels[..., 1].mean(axis=0 if orientation == 1 else 1)
    assert (np.diff(along[2:-2]) > 0).all()  # the ramp, from dark to bright, turned with the picture
    assert picture.metadata.exif is not None
    assert picture.metadata.exif.picture[MAKER][1] == b"Maker\0"


def test_frames_of_a_raw_stack_are_developed_alike(tmp_path: Path):
    """A darker exposure stays darker: no brightness is measured on each frame."""
    pytest.importorskip("rawpy")
    means = []
    for name, share in (("a", 1.0), ("b", 0.5)):
        (tmp_path / f"{name}.dng").write_bytes(dng(brightness=share))
        means.append(read_whole_image(tmp_path / f"{name}.dng").pixels.mean())
    assert means[1] < 0.8 * means[0]


REFUSED = {
    "DNG": (dng, r"DNG, a camera's raw file; .* or pip install 'bridgetune\[raw\]'"),
    "CR3": (lambda: b"\0\0\0\x18ftypcrx " + bytes(64), r"Canon CR3, .* or pip install 'bridgetune\[raw\]'"),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic" + bytes(64), r"a HEIC or HEIF picture, .* pip install 'bridgetune\[heif\]'"),
    "AVIF": (lambda: b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif" + bytes(64), "an AVIF picture, .* save it as PNG or TIFF"),
    "float32 beyond 1": (lambda: tiff(np.full((8, 9), 2, np.float32)), "expected 0 to 1; scale them"),
    "int16": (lambda: tiff(np.ones((8, 9), np.int16)), "samples of type int16, .* convert the file to 16 bit"),
    "Lab": (lambda: _saved("TIFF", Image.new("LAB", (8, 9))), "kind CIELAB .* save it as RGB"),
    "several pages": (lambda: tiff(np.zeros((3, 8, 9), np.uint8), photometric="minisblack"), "bridgetune stack"),
}
"""What is not read as one picture -> what is said."""


@pytest.mark.usefixtures("without_extras")
@pytest.mark.parametrize("name", REFUSED)
def test_a_kind_that_is_not_read_is_refused_in_a_line_that_mends_it(tmp_path: Path, name: str):
    make, said = REFUSED[name]
    path = tmp_path / "a.tif"
    path.write_bytes(make())
    with pytest.raises(RequestError, match=said) as error:
        read_whole_image(path)
    assert "\n" not in str(error.value)


def test_what_begins_as_heic_and_is_none_is_refused_in_a_line(tmp_path: Path):
    pytest.importorskip("pillow_heif")
    whole = heif(SCENE)
    for kept in (64, len(whole) // 2, len(whole) - 20):
        (tmp_path / "a.heic").write_bytes(whole[:kept])
        with pytest.raises(RequestError, match="cannot be read") as error:
            read_whole_image(tmp_path / "a.heic")
        assert "\n" not in str(error.value)


def test_a_raw_file_that_is_cut_off_is_refused_in_a_line(tmp_path: Path):
    pytest.importorskip("rawpy")
    (tmp_path / "a.dng").write_bytes(dng()[:-2000])
    with pytest.raises(RequestError, match="cannot be read") as error:
        read_whole_image(tmp_path / "a.dng")
    assert "\n" not in str(error.value)
