"""What a picture carries comes back from every format that can hold it; what is damaged stops nothing."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from bridgetune.pictures import Calibration, Metadata, read_metadata, read_whole_image, write_image
from bridgetune.pictures._exif import directory_bytes

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF tiff:Orientation="6"></rdf:RDF></x:xmpmeta>'
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
MAKE, ORIENTATION, WIDTH, EXPOSURE, LATITUDE = 271, 274, 40962, 33434, 2
INNER, GPS = 0x8769, 0x8825


def exif(orientation: int = 6) -> Image.Exif:
    made = Image.Exif()
    made[MAKE], made[ORIENTATION] = "Canon", orientation
    made.get_ifd(INNER).update({EXPOSURE: (1, 250), WIDTH: 30, 40963: 20, 37500: b"maker" * 10})
    made.get_ifd(GPS).update({1: "N", LATITUDE: (1.0, 2.0, 3.5)})
    return made


@pytest.fixture
def carrying(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A picture of 30×20 that is to be turned, with a profile, Exif, XMP where Pillow writes it, and 300×150 dpi."""
    path = tmp_path / f"a.{request.param}"
    mode = slice(3) if request.param == "jpg" else slice(4)
    more = {"xmp": XMP} if request.param in ("jpg", "webp") else {}
    image = Image.fromarray(np.ascontiguousarray(PIXELS[..., mode]))
    image.save(path, icc_profile=PROFILE, exif=exif().tobytes(), dpi=(300, 150), **more)
    return path


@pytest.mark.parametrize("carrying", ["png", "jpg", "webp"], indirect=True)
@pytest.mark.parametrize(("suffix", "bits"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".jpg", 8)])
def test_profile_exif_resolution_and_xmp_come_back_upright_without_thumbnail(
    carrying: Path, suffix: str, bits: int, tmp_path: Path
):
    picture = read_whole_image(carrying)
    pixels = picture.pixels.astype(np.uint16) * 257 if bits == 16 else picture.pixels
    assert not write_image(tmp_path / f"out{suffix}", pixels, picture.metadata)
    written = read_metadata(tmp_path / f"out{suffix}")
    assert written.profile == PROFILE
    assert written.xmp == (picture.metadata.xmp and XMP.replace(b'"6"', b'"1"'))
    if picture.metadata.resolution is not None:
        assert written.resolution == pytest.approx((150, 300), rel=1e-3), "rows have become columns"
    with Image.open(tmp_path / f"out{suffix}") as image:
        read = image.getexif()
        assert (read[MAKE], read.get(ORIENTATION, 1)) == ("Canon", 1)
        inner = read.get_ifd(INNER)
        assert (inner[EXPOSURE], inner[37500]) == ((1, 250), b"maker" * 10)
        assert (inner[WIDTH], inner[40963]) == (20, 30)
        assert read.get_ifd(GPS)[LATITUDE] == (1.0, 2.0, 3.5)
        assert not read.get_ifd(1), "a thumbnail"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_exif_of_either_byte_order_comes_back(order: str, suffix: str, tmp_path: Path):
    made = exif()
    made.endian = order
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=made.tobytes())
    assert read_metadata(tmp_path / "a.png").exif.order == order
    picture = read_whole_image(tmp_path / "a.png")
    write_image(tmp_path / f"out{suffix}", picture.pixels, picture.metadata)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.getexif().get_ifd(INNER)[EXPOSURE] == (1, 250)


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_a_microscopes_calibration_comes_back_in_tiff_and_as_a_resolution_elsewhere(kind: str, tmp_path: Path):
    gray = PIXELS[..., 0].astype(np.uint16)
    if kind == "imagej":
        tifffile.imwrite(tmp_path / "a.tif", gray, imagej=True, resolution=(2, 4), metadata={"unit": "um"})
    else:
        sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
        units = {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
        tifffile.imwrite(tmp_path / "a.tif", gray, ome=True, metadata={"axes": "YX", **sizes, **units})
    metadata = read_metadata(tmp_path / "a.tif")
    assert metadata.calibration.size == pytest.approx((0.5, 0.25))
    for suffix in (".tif", ".png"):
        assert not write_image(tmp_path / f"out{suffix}", gray, metadata)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        if kind == "imagej":
            assert file.imagej_metadata["unit"] == "um"
            assert file.pages.first.tags["XResolution"].value == (2, 1)
        else:
            assert 'PhysicalSizeX="0.5"' in file.ome_metadata
    assert read_metadata(tmp_path / "out.tif").calibration == metadata.calibration
    assert read_metadata(tmp_path / "out.png").resolution == pytest.approx((50_800, 101_600), rel=1e-6)
    assert np.array_equal(read_whole_image(tmp_path / "out.tif").pixels[..., 0], gray)


def test_a_unit_that_ascii_lacks_is_written_as_imagej_writes_it(tmp_path: Path):
    write_image(tmp_path / "a.tif", PIXELS[..., 0], Metadata(calibration=Calibration((0.5, 0.5), "µm")))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert "unit=\\u00B5m" in file.pages.first.description
    assert read_metadata(tmp_path / "a.tif").calibration.unit == "µm"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_transparency_comes_back_in_8_and_16_bits_gray_and_in_colour(
    suffix: str, kind: type[np.uint8 | np.uint16], channels: int, tmp_path: Path
):
    pixels = PIXELS[..., 0] if channels == 1 else PIXELS[..., :3]
    alpha = PIXELS[..., 3].astype(kind) * np.iinfo(kind).max // 255
    assert not write_image(tmp_path / f"a{suffix}", pixels.astype(kind), alpha=alpha)
    read = read_whole_image(tmp_path / f"a{suffix}")
    assert np.array_equal(read.alpha, alpha)
    assert read.gray == (channels == 1)
    assert np.array_equal(read.pixels[..., :channels], pixels.reshape(20, 30, channels))


def test_a_picture_that_32_bits_cannot_count_is_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Image.fromarray(PIXELS).save(tmp_path / "a.png", icc_profile=PROFILE, exif=exif().tobytes(), dpi=(300, 300))
    picture = read_whole_image(tmp_path / "a.png")
    alpha = picture.alpha
    for limit, big in (
        (PIXELS[..., :3].nbytes + alpha.nbytes, False),
        (PIXELS[..., :3].nbytes + alpha.nbytes - 1, True),
    ):
        monkeypatch.setattr("bridgetune.pictures._writing.CLASSIC", limit)
        left_out = write_image(tmp_path / "out.tif", picture.pixels, picture.metadata, alpha)
        assert left_out == ["Exif of the exposure, for which a BigTIFF has no place"] * big
        assert (tmp_path / "out.tif").read_bytes()[:4] == (b"II+\0" if big else b"II*\0")
        found = read_whole_image(tmp_path / "out.tif")
        np.testing.assert_array_equal(found.pixels, picture.pixels)
        np.testing.assert_array_equal(found.alpha, alpha)
        assert found.metadata.profile == picture.metadata.profile
        assert found.metadata.resolution == pytest.approx((300, 300), rel=1e-4)
        assert not found.metadata.broken
        with tifffile.TiffFile(tmp_path / "out.tif") as file:
            assert file.pages.first.tags[MAKE].value == "Canon"


def test_what_a_format_cannot_hold_is_named(tmp_path: Path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png", icc_profile=PROFILE, exif=exif().tobytes(), dpi=(300, 300))
    picture = read_whole_image(tmp_path / "a.png")
    rest = picture.pixels, picture.metadata, picture.alpha
    assert write_image(tmp_path / "a.bmp", *rest) == ["colour profile", "Exif", "transparency"]
    assert read_metadata(tmp_path / "a.bmp").resolution == pytest.approx((300, 300), rel=1e-4)
    assert write_image(tmp_path / "a.jpg", *rest) == ["transparency"]
    opaque = np.full_like(picture.alpha, 255)
    assert write_image(tmp_path / "b.jpg", picture.pixels, picture.metadata, opaque) == [], "nothing is lost"
    gray = write_image(tmp_path / "gray.png", picture.pixels[..., 0], picture.metadata)
    assert gray == ["colour profile (RGB, and the picture is gray)"]
    pixels_long = Metadata(calibration=Calibration((1, 1), "furlong"))
    assert write_image(tmp_path / "c.png", picture.pixels, pixels_long) == ["calibration in furlong"]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(path: Path, kind: bytes, data: bytes) -> Path:
    write_image(path, PIXELS[..., :3])
    plain = path.read_bytes()
    path.write_bytes(plain[:33] + chunk(kind, data) + plain[33:])
    return path


LOOP = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, INNER, 4, 1, 8) + bytes(4)
BOMB = zlib.compress(bytes(2**25))
MANY = (
    b"II*\0\x08\0\0\0" + struct.pack("<H", 2000) + b"".join(struct.pack("<HHII", t, 7, 50_000, 8) for t in range(2000))
)


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        (b"iCCP", b"x\0\0" + zlib.compress(b"no profile at all"), "colour profile"),
        (b"iCCP", b"x\0\0no zlib", "colour profile"),
        (b"iCCP", b"x\0\0" + BOMB, "colour profile"),
        (b"iCCP", b"x\0\0" + zlib.compress(PROFILE[:300]), "colour profile"),
        (b"eXIf", b"no exif", "Exif"),
        (b"eXIf", b"II*\0\xff\xff\xff\xff", "Exif"),
        (b"eXIf", b"", "Exif"),
        (b"pHYs", struct.pack(">IIB", 2**32 - 1, 0, 1), "resolution"),
        (b"pHYs", b"", "resolution"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB, "XMP"),
        (b"iTXt", b"XML:com.adobe.xmp\0", "XMP"),
    ],
)
def test_what_is_damaged_is_named_and_left_out(kind: bytes, data: bytes, name: str, tmp_path: Path):
    assert read_metadata(with_chunk(tmp_path / "a.png", kind, data)) == Metadata(broken=(name,))


@pytest.mark.parametrize("data", [LOOP, MANY])
def test_exif_that_points_to_itself_is_read_no_further_than_its_bounds(data: bytes, tmp_path: Path):
    read = read_metadata(with_chunk(tmp_path / "a.png", b"eXIf", data))
    kept = read.exif.inner.values() if read.exif else []
    assert sum(len(value) for entries in kept for _, value in entries.values()) <= 65_000


@given(st.integers(0, 2**32), st.sampled_from(["png", "jpg", "tif"]), st.integers(1, 40))
def test_no_damage_is_an_error(tmp_path_factory: pytest.TempPathFactory, seed: int, suffix: str, faults: int):
    path = tmp_path_factory.mktemp("damaged") / f"a.{suffix}"
    whole = _whole(suffix, tmp_path_factory)
    random = np.random.default_rng(seed)
    damaged = bytearray(whole)
    for place in random.integers(0, len(whole), faults):
        damaged[place] = random.integers(256)
    path.write_bytes(damaged[: random.integers(1, len(whole) + 1)])
    metadata = read_metadata(path)
    write_image(path.with_name("out.tif"), PIXELS[..., :3], metadata)
    write_image(path.with_name("out.jpg"), PIXELS[..., :3], metadata)
    assert read_whole_image(path.with_name("out.tif")).metadata.broken == ()


_WHOLE: dict[str, bytes] = {}


def _whole(suffix: str, folders: pytest.TempPathFactory) -> bytes:
    if suffix not in _WHOLE:
        path = folders.mktemp("whole") / f"a.{suffix}"
        Image.fromarray(PIXELS).save(folders.getbasetemp() / "a.png", exif=exif().tobytes(), icc_profile=PROFILE)
        picture = read_whole_image(folders.getbasetemp() / "a.png")
        write_image(path, picture.pixels, picture.metadata)
        _WHOLE[suffix] = path.read_bytes()
    return _WHOLE[suffix]


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_a_resolution_that_stands_in_exif_alone_and_what_wrote_the_picture_come_back(suffix: str, tmp_path: Path):
    said = Image.Exif()
    said[282], said[283], said[296], said[305] = 240.0, 120.0, 2, "Camera 1.0"
    Image.fromarray(PIXELS[..., :3].copy()).save(tmp_path / "a.jpg", exif=said)
    picture = read_whole_image(tmp_path / "a.jpg")
    write_image(tmp_path / f"b{suffix}", picture.pixels, picture.metadata)
    written = read_metadata(tmp_path / f"b{suffix}")
    assert written.resolution == pytest.approx((240, 120), rel=1e-3)
    assert written.exif is not None
    assert written.exif.picture[305][1].rstrip(b"\0") == b"Camera 1.0"


def test_a_resolution_of_another_type_leaves_the_rest_of_exif(tmp_path: Path):
    directory = directory_bytes({MAKE: (2, b"Canon\0"), 282: (2, b"wide\0"), 283: (2, b"high\0")}, 8, "<")
    said = b"Exif\0\0II*\0\x08\0\0\0" + directory
    Image.fromarray(PIXELS[..., :3].copy()).save(tmp_path / "a.jpg", exif=said)
    found = read_metadata(tmp_path / "a.jpg")
    assert (found.resolution, found.broken) == (None, ())
    assert found.exif is not None
    assert MAKE in found.exif.picture
