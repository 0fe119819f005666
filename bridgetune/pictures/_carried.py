"""What a picture carries, read from its file within bounds; what is damaged is left out."""

from __future__ import annotations

import io
import math
import os
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from PIL.ImageFile import ImageFile
from tifffile import TiffPage

from bridgetune.pictures._decoders import HEIF, RAW, decoder_of
from bridgetune.pictures._door import Format, format_of, opened, size_of
from bridgetune.pictures._exif import Exif, block, per_inch, read_exif
from bridgetune.pictures._heif import heif_image
from bridgetune.pictures._jpeg import segments
from bridgetune.pictures._pillow import other_image
from bridgetune.pictures._planes import Plane
from bridgetune.pictures._png import chunks
from bridgetune.pictures._raw import raw_preview
from bridgetune.pictures._tiff import tiff_file
from bridgetune.pictures.metadata import INCH, Calibration, Metadata

MOST = 2**24
"""Bytes of a colour profile, the largest of what is read."""

MOST_XMP = 65_502
"""Bytes of XMP: JPEG has no room for more."""

_CLASSIC = (b"II*\0", b"MM\0*")
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_ICC = b"ICC_PROFILE\0"
_PNG_XMP = b"XML:com.adobe.xmp\0"


def read_metadata(path: str | os.PathLike[str], plane: Plane | None = None) -> Metadata:
    """What an image file carries, of PNG, TIFF, JPEG, WebP, BMP, HEIC and cameras' raw files.

    Never more than some 16 MB are read. Damage is no error: what is damaged is left out, and named in `broken`.

    Args:
        path: The file.
        plane: Of a TIFF of several pages, the one that is meant; what it does not say, the first one does.
    """
    path = Path(path)
    found = _Found()
    try:
        decoder = decoder_of(path, plane)
        if decoder is HEIF:
            _read_heif(path, found)
            return found.metadata()
        if decoder is RAW:
            _read_raw(path, found)
            return found.metadata()
        kind = format_of(path)
        with opened(path) as file:
            if kind is Format.PNG:
                _read_png(file, found)
            elif kind is Format.JPEG:
                _read_jpeg(file, found)
            elif kind is Format.TIFF:
                _read_tiff(file, path.name, size_of(file), found, plane)
            elif kind in (Format.WEBP, Format.BMP):
                with other_image(file, kind) as image:
                    _read_other(image, found)
    except Exception:  # of a decoder, which raises what it likes
        found.broken.append("metadata")
    return found.metadata()


@dataclass
class _Found:
    """What is found on the way through a file."""

    parts: dict[str, object] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    orientation: int | None = None

    def take(self, name: str, kind: str, read: Callable[..., object], *given: object) -> None:
        """Keep what `read` returns under a name; or that the kind is broken, whatever it raises."""
        try:
            value = read(*given)
        except Exception:
            self.broken.append(kind)
            return
        if value is not None:
            self.parts.setdefault(name, value)

    def metadata(self) -> Metadata:
        exif = self.parts.get("exif")
        if isinstance(exif, Exif) and exif.resolution is not None:  # unless the file has said it itself
            self.take("resolution", "resolution", _resolution, *exif.resolution)
        turned = self.orientation or (exif.orientation if isinstance(exif, Exif) else 1)
        found = Metadata(**self.parts, broken=tuple(dict.fromkeys(self.broken)))  # type: ignore[arg-type]
        if found.resolution is not None:
            found = replace(found, resolution=_turned(found.resolution, turned))
        if found.calibration is not None:
            sides = _turned(found.calibration.size, turned)
            found = replace(found, calibration=replace(found.calibration, size=sides))
        return found if found.exif else replace(found, exif=None)


def _turned(sides: tuple[float, float], orientation: int) -> tuple[float, float]:
    """Of rows and columns that change places as the picture is made upright."""
    return sides[::-1] if orientation >= 5 else sides


def _read_png(file: BinaryIO, found: _Found) -> None:
    for kind, place, length in chunks(file):
        if kind not in (b"iCCP", b"eXIf", b"pHYs", b"iTXt") or length > MOST:
            continue
        file.seek(place)
        data = file.read(length)
        if kind == b"iCCP":
            found.take("profile", "colour profile", _of_chunk, data)
        elif kind == b"eXIf":
            found.take("exif", "Exif", block, data)
        elif kind == b"pHYs":
            found.take("resolution", "resolution", _of_metres, data)
        elif kind == b"iTXt" and data.startswith(_PNG_XMP):
            found.take("xmp", "XMP", _of_text, data.removeprefix(_PNG_XMP))


def _of_chunk(data: bytes) -> bytes:
    return _profile(_inflated(data.partition(b"\0")[2][1:]))


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    plain = inflater.decompress(data, MOST + 1)
    if not inflater.eof or len(plain) > MOST:
        raise ValueError("cut off, or too large")
    return plain


def _of_metres(data: bytes) -> tuple[float, float] | None:
    across, down, unit = struct.unpack(">IIB", data)
    return _resolution(across * INCH, down * INCH) if unit == 1 else None


def _of_text(data: bytes) -> bytes:
    """Of an international text chunk, behind its keyword."""
    packed, rest = data[0], data[2:]
    text = rest.split(b"\0", 2)[2]
    return _xmp(_inflated(text) if packed else text)


def _read_jpeg(file: BinaryIO, found: _Found) -> None:
    pieces: dict[int, bytes] = {}
    count = 0
    for marker, place, length in segments(file):
        file.seek(place)
        data = file.read(length)
        if marker == 0xE0 and data.startswith(b"JFIF\0"):
            found.take("resolution", "resolution", _of_jfif, data)
        elif marker == 0xE1 and data.startswith(b"Exif\0"):
            found.take("exif", "Exif", block, data)
        elif marker == 0xE1 and data.startswith(_JPEG_XMP):
            found.take("xmp", "XMP", _xmp, data.removeprefix(_JPEG_XMP))
        elif marker == 0xE2 and data.startswith(_JPEG_ICC) and len(data) > 14:
            pieces[data[12]], count = data[14:], data[13]
    if pieces:
        found.take("profile", "colour profile", _joined, pieces, count)


def _joined(pieces: dict[int, bytes], count: int) -> bytes:
    return _profile(b"".join(pieces[number] for number in range(1, count + 1)))


def _of_jfif(data: bytes) -> tuple[float, float] | None:
    unit, across, down = struct.unpack(">BHH", data[7:12])
    scale = {1: 1.0, 2: 2.54}.get(unit)
    # 1×1 is what a program writes that has nothing to say
    return None if scale is None or across == down == 1 else _resolution(across * scale, down * scale)


def _read_tiff(file: BinaryIO, name: str, size: int, found: _Found, plane: Plane | None) -> None:
    with tiff_file(file, name, plane) as tiff:
        if plane is None:
            pages = [next(page for each in tiff.pages if not (page := each.aspage()).is_reduced)]
        else:
            pages = [tiff.pages[number].aspage() for number in dict.fromkeys((plane.number, 0))]
            turned = pages[0].tags.get(274)
            found.orientation = int(turned.value) if turned is not None and isinstance(turned.value, int) else 1
        for page in pages:
            _take_tags(page, found)
    file.seek(0)
    if file.read(4) in _CLASSIC:  # BigTIFF has no Exif of other programs
        file.seek(0)
        found.take("exif", "Exif", _of_program, file, size)


def _take_tags(page: TiffPage, found: _Found) -> None:
    tags = {code: page.tags.get(code) for code in (274, 282, 283, 296, 700, 34675)}
    values = {code: tag.value for code, tag in tags.items() if tag is not None and tag.count <= MOST}
    if isinstance(values.get(274), int) and found.orientation is None:
        found.orientation = int(values[274])
    if 34675 in values:
        found.take("profile", "colour profile", _profile, bytes(values[34675]))
    if 700 in values:
        found.take("xmp", "XMP", _xmp, bytes(values[700]))
    across, down = math.nan, math.nan
    if 282 in values and 283 in values:
        across, down = (_ratio(values[code]) for code in (282, 283))
    found.take("calibration", "calibration", _calibration, page.description, across, down)
    if 282 in values and 283 in values and (dots := per_inch(across, down, int(values.get(296, 2)))) is not None:
        found.take("resolution", "resolution", _resolution, *dots)


def _read_heif(path: Path, found: _Found) -> None:
    with heif_image(path) as image:
        found.orientation = 1  # the decoder has turned it
        for name, kind, key, read in (
            ("profile", "colour profile", "icc_profile", _profile),
            ("exif", "Exif", "exif", block),
            ("xmp", "XMP", "xmp", _xmp),
        ):
            if value := image.info.get(key):
                found.take(name, kind, read, value)


def _read_raw(path: Path, found: _Found) -> None:
    """Exif alone: the rest is said of the camera's own preview, or of samples that are not yet a picture."""
    with opened(path) as file:
        if file.read(4) in _CLASSIC:
            file.seek(0)
            found.take("exif", "Exif", read_exif, file, size_of(file))
    if "exif" not in found.parts and (preview := raw_preview(path)):
        inner = _Found()
        _read_jpeg(io.BytesIO(preview), inner)
        found.parts |= {name: value for name, value in inner.parts.items() if name == "exif"}


def _of_program(file: BinaryIO, size: int) -> Exif:
    """Exif without the description that is a program's own record: a calibration, or shapes."""
    exif = read_exif(file, size)
    kept = {
        tag: entry
        for tag, entry in exif.picture.items()
        if tag != 270 or not re.match(rb"ImageJ=|\{\"shape|<\?xml|shape=", entry[1])
    }
    if kept.get(305, (0, b""))[1].startswith(b"tifffile"):
        del kept[305]
    return replace(exif, picture=kept)


def _ratio(value: object) -> float:
    above, below = value if isinstance(value, tuple) else (value, 1)
    return float(above) / float(below) if below else math.nan


def _calibration(described: str, across: float, down: float) -> Calibration | None:
    if described.startswith("ImageJ="):
        unit = re.search(r"^unit=(.{1,32})$", described[:10_000], re.MULTILINE)
        if unit is None or unit[1] in ("pixel", "pixels"):
            return None
        name = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda code: chr(int(code[1], 16)), unit[1]).strip()
        return _checked(Calibration((1 / across, 1 / down), name))
    if described.rstrip().endswith("OME>"):
        found = dict(re.findall(r'\b(PhysicalSize[XY](?:Unit)?)="([^"<>&]{1,64})"', described[:MOST]))
        if "PhysicalSizeX" not in found or "PhysicalSizeY" not in found:
            return None
        sizes = float(found["PhysicalSizeX"]), float(found["PhysicalSizeY"])
        return _checked(Calibration(sizes, found.get("PhysicalSizeXUnit", "µm"), "OME"))
    return None


def _checked(calibration: Calibration) -> Calibration:
    if not all(1e-12 < side < 1e12 for side in calibration.size) or not calibration.unit.isprintable():
        raise ValueError(f"a pixel of {calibration.size} {calibration.unit}")
    return calibration


def _read_other(image: ImageFile, found: _Found) -> None:
    info = image.info
    if profile := info.get("icc_profile"):
        found.take("profile", "colour profile", _profile, profile)
    if exif := info.get("exif"):
        found.take("exif", "Exif", block, exif)
    if xmp := info.get("xmp"):
        found.take("xmp", "XMP", _xmp, xmp)
    if dots := info.get("dpi"):
        found.take("resolution", "resolution", _resolution, *map(float, dots))


def _resolution(across: float, down: float) -> tuple[float, float] | None:
    if across == down == 0:
        return None
    if not (1e-3 <= across <= 1e9 and 1e-3 <= down <= 1e9):
        raise ValueError(f"{across}×{down} pixels an inch")
    return across, down


def _profile(data: bytes) -> bytes:
    """An ICC profile whose header and table hold what they say.

    Raises:
        ValueError: It is none, or damaged.
    """
    if not 132 <= len(data) <= MOST or data[36:40] != b"acsp":
        raise ValueError("no ICC profile")
    size, count = *struct.unpack(">I", data[:4]), *struct.unpack(">I", data[128:132])
    if not 132 <= size <= len(data) or count > 1000 or 132 + 12 * count > size:
        raise ValueError("cut off")
    for place, length in struct.iter_unpack(">4xII", data[132 : 132 + 12 * count]):
        if place + length > size:
            raise ValueError("a tag is cut off")
    return data[:size]


def _xmp(data: bytes) -> bytes:
    """A packet of XMP that stands upright.

    Raises:
        ValueError: It is none, or too large.
    """
    if len(data) > MOST_XMP or b"rdf:RDF" not in data:
        raise ValueError("no XMP")
    data.decode("utf-8")
    return re.sub(rb"""(tiff:Orientation(?:\s*=\s*["']|>))\s*[2-8]""", rb"\g<1>1", data)
