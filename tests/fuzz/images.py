"""Malformed pictures: files of every format that is read, and of some that are not, with faults in their bytes."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
import tifffile
from hypothesis import strategies as st
from PIL import Image

from tests.fuzz.example import FUSING
from tests.fuzz.harness import Case
from tests.fuzz.mutations import mutated

SIDES = 24, 32

TIFFS = {
    "plain": {},
    "deflate": {"compression": "zlib"},
    "lzw": {"compression": "lzw"},
    "tiled": {"tile": (16, 16)},
    "strips": {"rowsperstrip": 4},
    "big": {"bigtiff": True},
    "planes": {"planarconfig": "separate", "photometric": "rgb"},
    "predictor": {"compression": "zlib", "predictor": True},
}

OTHERS = {
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 24\nshowpage\n%%EOF\n",
    "page": b"<!DOCTYPE html><html><body>Not found</body></html>",
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n",
    "vector": b'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="24"/>',
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64),
    "nothing": b"",
}
"""What is no picture of a format that is read."""


@cache
def pictures() -> dict[str, bytes]:
    """Small files by what they are."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (*SIDES, 3), np.uint8)
    deep = rng.integers(0, 65536, SIDES, np.uint16)
    made = dict(OTHERS)
    for name, kind, image in (
        ("png", "PNG", Image.fromarray(rgb)),
        ("png gray", "PNG", Image.fromarray(rgb[..., 0])),
        ("png deep", "PNG", Image.fromarray(deep)),
        ("png palette", "PNG", Image.fromarray(rgb).quantize(16)),
        ("png alpha", "PNG", Image.fromarray(rgb).convert("RGBA")),
        ("jpeg", "JPEG", Image.fromarray(rgb)),
        ("cmyk", "JPEG", Image.fromarray(rgb).convert("CMYK")),
        ("bmp", "BMP", Image.fromarray(rgb)),
        ("gif", "GIF", Image.fromarray(rgb)),
        ("webp", "WEBP", Image.fromarray(rgb)),
        ("ppm", "PPM", Image.fromarray(rgb)),
        ("pillow tiff", "TIFF", Image.fromarray(rgb)),
    ):
        file = io.BytesIO()
        image.save(file, kind)
        made[name] = file.getvalue()
    for name, written in TIFFS.items():
        file = io.BytesIO()
        tifffile.imwrite(file, np.moveaxis(rgb, -1, 0) if name == "planes" else rgb, **written)
        made[f"tiff {name}"] = file.getvalue()
    file = io.BytesIO()
    tifffile.imwrite(file, np.stack([deep] * 3), imagej=True, resolution=(2.0, 2.0), metadata={"unit": "um"})
    made["tiff stack"] = file.getvalue()
    return made


@st.composite
def claiming(draw: st.DrawFn) -> bytes:
    """A PNG whose header claims other sides than its bytes hold, its checksum being right."""
    png = pictures()["png gray"]
    sides = st.sampled_from((0, 1, 24, 32, 1000, 30000, 65536, 0x7FFFFFFF, 0xFFFFFFFF))
    depth, color = draw(st.sampled_from((1, 8, 16))), draw(st.sampled_from((0, 2, 3, 4, 6)))
    header = b"IHDR" + struct.pack(">IIBBBBB", draw(sides), draw(sides), depth, color, 0, 0, draw(st.integers(0, 1)))
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


@st.composite
def looping(draw: st.DrawFn) -> bytes:
    """A TIFF of pages that lead back to one of them, or anywhere."""
    content = bytearray(pictures()["tiff stack"])
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * entries, draw(st.sampled_from((first, 8, 4, 0xFFFFFFF0, 1))))
    return bytes(content)


@st.composite
def tagged(draw: st.DrawFn) -> bytes:
    """A TIFF of which an entry of the first page says something else."""
    kinds = [name for name in pictures() if "tiff" in name and name != "tiff big"]
    content = bytearray(pictures()[draw(st.sampled_from(kinds))])
    order = "<" if content[:2] == b"II" else ">"
    (first,) = struct.unpack_from(order + "I", content, 4)
    (entries,) = struct.unpack_from(order + "H", content, first)
    entry = first + 2 + 12 * draw(st.integers(0, entries - 1))
    place, kind = draw(st.sampled_from(((0, "H"), (2, "H"), (4, "I"), (8, "I"), (8, "I"), (8, "H"))))
    value = draw(st.sampled_from((0, 1, 2, 3, 7, 16, 255, 32773, 65535)) | st.integers(0, 65535))
    struct.pack_into(
        order + kind, content, entry + place, value if kind == "H" else value * draw(st.sampled_from((1, 65537)))
    )
    return bytes(content)


@st.composite
def malformed(draw: st.DrawFn) -> bytes:
    """The bytes of a picture with faults."""
    how = draw(st.sampled_from(("bytes", "bytes", "bytes", "claiming", "looping", "tagged", "tagged", "spliced")))
    names = sorted(pictures())
    if how == "bytes":
        return draw(mutated(pictures()[draw(st.sampled_from(names))]))
    if how == "spliced":
        one, other = (pictures()[draw(st.sampled_from(names))] for _ in range(2))
        return one[: draw(st.integers(0, len(one)))] + other[draw(st.integers(0, len(other))) :]
    return draw({"claiming": claiming(), "looping": looping(), "tagged": tagged()}[how])


SUFFIXES = ("png", "png", "tif", "tiff", "jpg", "bmp", "webp")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A malformed picture beside another or itself, in every verb that reads pictures."""
    bad, suffix = draw(malformed()), draw(st.sampled_from(SUFFIXES))
    verb = draw(st.sampled_from(("fuse", "fuse", "fuse", "folder", "stack", "stack", "make", "measure")))
    if verb == "fuse":
        other = draw(st.sampled_from((bad, pictures()["png"])))
        files = {f"a.{suffix}": bad, f"b.{suffix}": other}
        return Case(("fuse", f"a.{suffix}", f"b.{suffix}", "-o", "new.png", "--generator", FUSING), files)
    if verb == "folder":
        files = {f"in/A/1.{suffix}": bad, f"in/B/1.{suffix}": bad}
        return Case(("fuse", "--pairs", "in", "-o", "new", "--generator", FUSING), files)
    if verb == "stack":
        files = {f"in/{name}.{suffix}": bad for name in draw(st.sampled_from((("a",), ("a", "b"))))}
        files["in/z.png"] = pictures()["png"]
        return Case(("stack", "in", "-o", "new.tif", "--depth", "depth.tif"), files)
    if verb == "make":
        files = {f"in/1.{suffix}": bad, "masks/1.png": pictures()["png gray"]}
        return Case(("data", "make", "--images", "in", "--masks", "masks", "--size", "32", "--out", "new"), files)
    files = {f"in/A/1.{suffix}": bad, f"in/B/1.{suffix}": bad, f"fused/1.{suffix}": bad}
    return Case(("evaluate", "--sources", "in", "--fused", "fused", "--workers", "1"), files)
