"""TIFF as microscopes, cameras and programs write it: one page, gray or in colour, decoded by tifffile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffFile, TiffPage

from bridgetune.pictures._samples import Pixels, UnsupportedError, cmyk_to_rgb, unsigned, upright, upright_size

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Of TIFF and BigTIFF, in either byte order."""

_ORIENTATION = 274


def read_tiff(path: Path) -> Pixels:
    """Decode to (H, W) or (H, W, 3), upright, alpha dropped. Raises whatever tifffile does besides."""
    with _only_page(path) as page:
        return upright(_decode(page), _orientation(page))


def read_tiff_alpha(path: Path) -> Pixels | None:
    """(H, W) upright, 0 where the picture is transparent; None where the file has no such channel.

    Raises:
        UnsupportedError: Colours are multiplied by it already.
    """
    with _only_page(path) as page:
        kinds = [*page.extrasamples]
        if EXTRASAMPLE.ASSOCALPHA in kinds:
            raise UnsupportedError("colours that are multiplied by their transparency")
        if EXTRASAMPLE.UNASSALPHA not in kinds:
            return None
        samples = page.asarray()
        place = kinds.index(EXTRASAMPLE.UNASSALPHA) - len(kinds)
        plane = samples[place] if page.axes == "SYX" else samples[..., place]
        return upright(unsigned(plane, page.bitspersample), _orientation(page))


def tiff_size(path: Path) -> tuple[int, int]:
    """(height, width) of the upright picture, from the header."""
    with _only_page(path) as page:
        return upright_size((page.imagelength, page.imagewidth), _orientation(page))


@contextmanager
def _only_page(path: Path) -> Iterator[TiffPage]:
    with TiffFile(path) as file:
        pages = [page for each in file.pages if not (page := each.aspage()).is_reduced]
        if len(pages) != 1:
            raise UnsupportedError(f"a TIFF of {len(pages)} pages, expected one; save each page as a file")
        page = pages[0]
        # Some decoders, JPEG's among them, fill what is missing with gray and say nothing.
        end = max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
        if end > file.filehandle.size:
            raise EOFError(f"{end - file.filehandle.size} bytes are missing at the end")
        yield page


def _orientation(page: TiffPage) -> int:
    tag = page.tags.get(_ORIENTATION)
    return 1 if tag is None else int(tag.value)


def _decode(page: TiffPage) -> Pixels:
    kind, bits = page.photometric, page.bitspersample
    samples = page.asarray()
    if page.axes == "YX":
        samples = samples[..., None]
    elif page.axes == "SYX":
        samples = np.moveaxis(samples, 0, -1)
    elif page.axes != "YXS":
        raise UnsupportedError(f"a TIFF with axes {page.axes}, expected a flat picture")
    channels = samples.shape[-1]

    if kind in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE) and channels <= 2:
        gray = unsigned(samples[..., 0], bits)
        return np.iinfo(gray.dtype).max - gray if kind == PHOTOMETRIC.MINISWHITE else gray
    if kind == PHOTOMETRIC.PALETTE and page.colormap is not None:
        colors = (page.colormap >> 8).astype(np.uint8).T
        return np.take(colors, samples[..., 0], axis=0)
    # The JPEG decoder returns RGB for what is stored as YCbCr.
    if kind == PHOTOMETRIC.RGB or (kind == PHOTOMETRIC.YCBCR and page.compression == COMPRESSION.JPEG):
        return unsigned(samples[..., :3], bits)
    if kind == PHOTOMETRIC.SEPARATED and channels >= 4:
        return cmyk_to_rgb(unsigned(samples[..., :4], bits))
    name = getattr(kind, "name", kind)
    raise UnsupportedError(
        f"a TIFF of kind {name} with {channels} channels, expected gray, RGB, palette or CMYK; save it as RGB"
    )
