"""Pixels to bytes of a file, with what a picture carries."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from bridgetune.pictures._exif import EXIF, GPS, SIZES, SOFTWARE, exif_bytes, fitted, inner_bytes, ordered
from bridgetune.pictures.metadata import INCH, Calibration, Metadata

_JPEG_PIECE = 65_519
"""Bytes of a profile in a segment of JPEG."""

MOST_DENSITY = {".png": 2**31 * INCH, ".jpg": 65_535 * 2.54, ".jpeg": 65_535 * 2.54, ".bmp": 2**31 * INCH}
"""Pixels an inch that a format has room for."""

CLASSIC = 2**32 - 2**25
"""Bytes of pixels up to which a TIFF is written as programs of any age read it; beyond it is a BigTIFF, for in 32 bits
there is no counting of where they lie."""

Pixels = NDArray[Any]


def encode_png(pixels: Pixels, alpha: Pixels | None, metadata: Metadata) -> bytes:
    # Level 3 takes a third of the default's time for files 2 % larger.
    data = bytes(imagecodecs.png_encode(_with_alpha(pixels, alpha), level=3))
    head = 8 + 25
    return data[:head] + b"".join(_png_chunks(metadata, pixels.shape[:2])) + data[head:]


def encode_tiff(pixels: Pixels, alpha: Pixels | None, metadata: Metadata) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        _with_alpha(pixels, alpha),
        photometric="minisblack" if pixels.ndim == 2 else "rgb",
        bigtiff=is_big(pixels),
        compression="deflate",
        predictor=True,
        extrasamples=None if alpha is None else ["unassalpha"],
        planarconfig=None if pixels.ndim == 2 and alpha is None else "contig",
        iccprofile=metadata.profile,
        software=_software(metadata),
        extratags=_tiff_tags(metadata),
        **_tiff_scale(metadata, "YX" if pixels.ndim == 2 and alpha is None else "YXS"),
    )
    return _with_directories(buffer.getvalue(), metadata, pixels.shape[:2])


def encode_jpeg(pixels: Pixels, metadata: Metadata) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling="4:4:4")
    data = buffer.getvalue()
    head = 4 + int.from_bytes(data[4:6], "big")
    jfif = bytearray(data[:head])
    if metadata.resolution is not None:
        struct.pack_into(">BHH", jfif, 13, *_density(metadata.resolution))
    return bytes(jfif) + b"".join(_jpeg_segments(metadata, pixels.shape[:2])) + data[head:]


def encode_bmp(pixels: Pixels, metadata: Metadata) -> bytes:
    buffer = io.BytesIO()
    density = {} if metadata.resolution is None else {"dpi": metadata.resolution}
    Image.fromarray(pixels).save(buffer, "BMP", **density)
    return buffer.getvalue()


def is_big(pixels: Pixels) -> bool:
    """Whether they are so many that their TIFF, with transparency, is a BigTIFF."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return pixels.nbytes // channels * (channels + 1) > CLASSIC


def held(suffix: str, pixels: Pixels, metadata: Metadata) -> tuple[Metadata, list[str]]:
    """What a format has room for, and the names of what it has not.

    Args:
        suffix: In lower case.
        pixels: Of the picture.
        metadata: That is to be written.
    """
    gray = pixels.ndim == 2
    left_out = []
    if metadata.profile is not None and not _holds_profile(suffix, gray, metadata):
        left_out.append(f"colour profile ({metadata.space()}, and the picture is {'gray' if gray else 'RGB'})")
        if suffix == ".bmp":
            left_out[-1] = "colour profile"
        metadata = replace(metadata, profile=None)
    if metadata.exif is not None and (suffix == ".bmp" or not _holds_exif(metadata)):
        left_out.append("Exif")
        metadata = replace(metadata, exif=None)
    if metadata.xmp is not None and suffix == ".bmp":
        left_out.append("XMP")
        metadata = replace(metadata, xmp=None)
    if suffix in (".tif", ".tiff"):
        if metadata.exif is not None and metadata.exif.inner and is_big(pixels):
            left_out.append("Exif of the exposure, for which a BigTIFF has no place")
            metadata = replace(metadata, exif=replace(metadata.exif, inner={}))
    else:
        metadata, lost = _as_resolution(suffix, metadata)
        left_out += lost
    return metadata, left_out


def _as_resolution(suffix: str, metadata: Metadata) -> tuple[Metadata, list[str]]:
    """A calibration as pixels an inch, where there is room for so many."""
    name = "resolution"
    if metadata.calibration is not None:
        name = f"calibration in {metadata.calibration.unit}"
        metadata = replace(metadata, resolution=metadata.calibration.resolution(), calibration=None)
        if metadata.resolution is None:
            return metadata, [name]
    if metadata.resolution is not None and not all(0.5 <= dots <= MOST_DENSITY[suffix] for dots in metadata.resolution):
        return replace(metadata, resolution=None), [name]
    return metadata, []


def _holds_profile(suffix: str, gray: bool, metadata: Metadata) -> bool:
    if suffix == ".bmp":
        return False
    if gray:
        return metadata.space() == "GRAY" or (metadata.space() == "RGB" and suffix != ".png")
    return metadata.space() == "RGB"


def _holds_exif(metadata: Metadata) -> bool:
    try:
        _block(metadata, (1, 1))
    except (ValueError, struct.error):
        return False
    return True


def _with_alpha(pixels: Pixels, alpha: Pixels | None) -> Pixels:
    if alpha is None:
        return pixels
    return np.ascontiguousarray(np.dstack([pixels, alpha]))


def _block(metadata: Metadata, size: tuple[int, ...]) -> bytes:
    assert metadata.exif is not None
    return exif_bytes(fitted(metadata.exif, (size[0], size[1])), metadata.resolution)


def _png_chunks(metadata: Metadata, size: tuple[int, ...]) -> list[bytes]:
    chunks = []
    if metadata.profile is not None:
        chunks.append(_png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.profile)))
    if metadata.resolution is not None:
        across, down = (round(dots / INCH) for dots in metadata.resolution)
        chunks.append(_png_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if metadata.exif is not None:
        chunks.append(_png_chunk(b"eXIf", _block(metadata, size)))
    if metadata.xmp is not None:
        chunks.append(_png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp))
    return chunks


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _jpeg_segments(metadata: Metadata, size: tuple[int, ...]) -> list[bytes]:
    segments = []
    if metadata.exif is not None:
        segments.append((0xE1, b"Exif\0\0" + _block(metadata, size)))
    if metadata.xmp is not None:
        segments.append((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + metadata.xmp))
    if (profile := metadata.profile) is not None:
        pieces = [profile[at : at + _JPEG_PIECE] for at in range(0, len(profile), _JPEG_PIECE)]
        for number, piece in enumerate(pieces, 1):
            segments.append((0xE2, b"ICC_PROFILE\0" + bytes([number, len(pieces)]) + piece))
    return [struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments]


def _density(resolution: tuple[float, float]) -> tuple[int, int, int]:
    """Unit, inch or centimetre, and pixels along each, of 16 bits."""
    if max(resolution) <= 65_535:
        return 1, round(resolution[0]), round(resolution[1])
    return 2, round(resolution[0] / 2.54), round(resolution[1] / 2.54)


def _tiff_scale(metadata: Metadata, axes: str) -> dict[str, Any]:
    """The arguments of tifffile that say how large a pixel is."""
    calibration = metadata.calibration
    if calibration is None:
        found: dict[str, Any] = {"metadata": None}
        if metadata.resolution is not None:
            found |= {"resolution": metadata.resolution, "resolutionunit": "INCH"}
        return found
    if calibration.kind == "OME":
        sizes = {f"PhysicalSize{side}": size for side, size in zip("XY", calibration.size, strict=True)}
        units = {f"PhysicalSize{side}Unit": calibration.unit for side in "XY"}
        return {"ome": True, "metadata": {"axes": axes, **sizes, **units}, **_centimetres(calibration)}
    unit = calibration.unit.encode("ascii", "backslashreplace").decode().replace("\\xb5", "\\u00B5")
    return {
        "metadata": None,
        "description": f"ImageJ=1.54f\nunit={unit}\n",
        "resolution": (1 / calibration.size[0], 1 / calibration.size[1]),
        "resolutionunit": "NONE",
    }


def _centimetres(calibration: Calibration) -> dict[str, Any]:
    resolution = calibration.resolution()
    if resolution is None:
        return {}
    return {"resolution": tuple(dots / 2.54 for dots in resolution), "resolutionunit": "CENTIMETER"}


def _software(metadata: Metadata) -> str | None:
    """What wrote a source, which tifffile takes by itself alone; None has its own name written."""
    if metadata.exif is None or SOFTWARE not in metadata.exif.picture:
        return None
    return metadata.exif.picture[SOFTWARE][1].rstrip(b"\0").decode("ascii", "replace").replace("\ufffd", "?")


def _tiff_tags(metadata: Metadata) -> list[tuple[int, int, int, Any, bool]]:
    tags: list[tuple[int, int, int, Any, bool]] = []
    if metadata.xmp is not None:
        tags.append((700, 1, len(metadata.xmp), metadata.xmp, True))
    if metadata.exif is not None:
        exif = ordered(metadata.exif, "<")
        described = metadata.calibration is not None
        for tag, (kind, value) in exif.picture.items():
            if not (tag == SOFTWARE or (tag == 270 and described)):
                tags.append((tag, kind, len(value) // SIZES[kind], value, True))
        tags += [(pointer - 1, 4, 1, 0, True) for pointer in (EXIF, GPS) if pointer in exif.inner]
    return tags


def _with_directories(data: bytes, metadata: Metadata, size: tuple[int, ...]) -> bytes:
    """A TIFF file with Exif's and GPS' directories behind the rest, to which its tags point."""
    if metadata.exif is None or not metadata.exif.inner or len(data) >= 2**32 - 2**17:
        return data
    exif = fitted(ordered(metadata.exif, "<"), (size[0], size[1]))
    written = bytearray(data)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        # tifffile writes no such tags, but others, in the same places.
        places = {tag: file.pages.first.tags[tag - 1].offset for tag in (EXIF, GPS) if tag in exif.inner}
    for pointer, place in places.items():
        written += bytes(len(written) % 2)
        struct.pack_into("<HHII", written, place, pointer, 4, 1, len(written))
        written += inner_bytes(exif, pointer, len(written))
    return bytes(written)
