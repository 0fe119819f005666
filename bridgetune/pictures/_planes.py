"""Which pages of a TIFF are frames of a stack, and in what order: as plain pages, of ImageJ, of OME."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bridgetune.pictures._directories import Directories, Directory
from bridgetune.pictures._door import opened, size_of
from bridgetune.pictures._samples import UnsupportedError

SUBFILE, REDUCED, MASK = 254, 1, 4
_DESCRIPTION, _SAMPLES = 270, 277

_MOST_DESCRIPTION = 1 << 24
"""Bytes; microscopes write a line for each plane."""


class Plane(NamedTuple):
    """A page of a TIFF.

    Attributes:
        number: Of its directory, from 0 on.
        place: Where that is in the file.
    """

    number: int
    place: int


def tiff_planes(path: Path) -> list[Plane]:
    """The pages that are frames, in the order of the stack; previews and masks are none.

    Of OME-TIFF and of ImageJ's files the depth is the stack, or the time where there is no depth.

    Raises:
        UnsupportedError: It has several channels in pages of their own, depth and time, or planes that lie elsewhere.
        ValueError: It is damaged.
    """
    with opened(path) as file:
        directories = Directories(file, size_of(file))
        chain = directories.chain()
        pages = [Plane(number, place) for number, place in enumerate(chain)]
        whole = [page for page in pages if _is_whole(directories, chain[page.place])]
        if not whole:
            raise ValueError("it has no page")
        described = _description(directories, chain[whole[0].place])
        samples = next(iter(directories.numbers(chain[whole[0].place], _SAMPLES, 1)), 1)
    if described.rstrip().endswith("OME>"):
        return _of_ome(described, path.name, pages) if len(whole) > 1 else whole
    if described.startswith("ImageJ="):
        _refuse_image_j(described, samples, len(whole))
    return whole


def _is_whole(directories: Directories, page: Directory) -> bool:
    return not next(iter(directories.numbers(page, SUBFILE, 1)), 0) & (REDUCED | MASK)


def _description(directories: Directories, page: Directory) -> str:
    value = page.get(_DESCRIPTION)
    if value is None or value.size > _MOST_DESCRIPTION:
        return ""
    return directories.content(value).rstrip(b"\0").decode("utf-8", "replace")


def _refuse_image_j(described: str, samples: int, pages: int) -> None:
    counts = {name: int(count) for name, count in re.findall(r"^(\w+)=([0-9]{1,9})\s*$", described, re.MULTILINE)}
    channels, depths, times = (counts.get(name, 1) for name in ("channels", "slices", "frames"))
    if channels > 1 and depths == times == 1 and channels == pages:
        raise UnsupportedError(
            f"a stack of ImageJ of {channels} channels and one depth, expected one channel; if they are depths, say so"
            " in ImageJ's Image > Properties, or save them as an image sequence"
        )
    _refuse_axes("a stack of ImageJ", channels // samples if channels % samples == 0 else channels, depths, times)
    if counts.get("images", 1) > pages:
        raise UnsupportedError(
            f"a stack of ImageJ that has {counts['images']} pictures in {pages} pages, expected a page for each;"
            " save it as OME-TIFF or as an image sequence"
        )


def _refuse_axes(what: str, channels: int, depths: int, times: int) -> None:
    if channels > 1:
        raise UnsupportedError(
            f"{what} of {channels} channels, expected one; save one of them, or their colours together as RGB"
        )
    if depths > 1 and times > 1:
        raise UnsupportedError(f"{what} of {depths} depths and {times} times, expected one of the two; save one time")


def _of_ome(described: str, name: str, pages: list[Plane]) -> list[Plane]:
    if "<!DOCTYPE" in described or "<!ENTITY" in described:
        raise ValueError("its OME description declares entities")
    try:
        root = ElementTree.fromstring(described.strip())
    except ElementTree.ParseError as error:
        raise ValueError(f"its OME description is no XML: {error}") from None
    images = [image for image in _below(root, "Image") if any(_below(image, "Pixels"))]
    if not images:  # the description of a set lies elsewhere, and says nothing of these pages
        return pages
    if len(images) > 1:
        raise UnsupportedError(f"an OME-TIFF of {len(images)} images, expected one; save each as a file")
    pixels = next(_below(images[0], "Pixels"))
    samples = max((_number(channel, "SamplesPerPixel", 1) for channel in _below(pixels, "Channel")), default=1)
    channels, depths, times = (_number(pixels, f"Size{axis}", 1) for axis in "CZT")
    _refuse_axes("an OME-TIFF", channels // max(samples, 1), depths, times)
    axis, count = ("Z", depths) if depths > 1 else ("T", times)
    if count < 1:
        raise ValueError("its OME description has no planes")
    planes = dict(_placed(pixels, axis, count, len(pages), (root.get("UUID"), name)))
    if len(planes) != count or sorted(planes) != list(range(count)):
        raise UnsupportedError(
            f"an OME-TIFF of {count} planes, of which {len(planes)} are in this file; save them in one"
        )
    return [pages[planes[place]] for place in range(count)]


def _placed(
    pixels: ElementTree.Element, axis: str, count: int, pages: int, own: tuple[str | None, str]
) -> Iterator[tuple[int, int]]:
    """Places in the stack and the numbers of the pages that are there."""
    found = list(_below(pixels, "TiffData"))
    for data in found:
        elsewhere = [
            uuid for uuid in _below(data, "UUID") if uuid.text != own[0] and uuid.get("FileName", own[1]) != own[1]
        ]
        if elsewhere:
            continue
        first, page = _number(data, f"First{axis}", 0), _number(data, "IFD", 0)
        planes = _number(data, "PlaneCount", 1 if "IFD" in data.attrib else count)
        for step in range(min(planes, count, pages)):
            if page + step < pages:
                yield first + step, page + step
    if not found:
        yield from ((place, place) for place in range(min(count, pages)))


def _below(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """The children of a name, whichever version's namespace it is in."""
    return (child for child in element if child.tag.rpartition("}")[2] == name)


def _number(element: ElementTree.Element, name: str, otherwise: int) -> int:
    text = element.get(name, str(otherwise))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"its OME description has {name}={text[:20]!r}")
    return int(text)
