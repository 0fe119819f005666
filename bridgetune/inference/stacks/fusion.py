"""What comes of a stack: the picture, which frame each pixel is of, the depth, and what was left out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from bridgetune.destinations import check_apart, check_file
from bridgetune.errors import WorkError
from bridgetune.files import replaced
from bridgetune.inference.stacks.depth import coloured
from bridgetune.pictures import NOTHING, Metadata, check_image_place, write_image
from bridgetune.pictures.exposure import changes
from bridgetune.pictures.transforms import shift

logger = logging.getLogger("bridgetune")

Pixels = NDArray[np.uint8 | np.uint16]

DEPTHS = (".tif", ".tiff")
"""Suffixes of files that a depth map is written to."""


@dataclass(frozen=True)
class LeftOut:
    """A frame that the picture has nothing of.

    Attributes:
        name: Of the frame.
        reason: In words.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Progress:
    """How far the fusion of a stack is.

    Attributes:
        step: What is being done, in a word or two.
        done: Frames that are through with it, and a share of the next.
        total: Frames in all.
        name: Of the frame that it is at.
    """

    step: str
    done: float
    total: int
    name: str


@dataclass(frozen=True, eq=False)
class StackFusion:
    """A picture of a stack, and what it is made of.

    Attributes:
        pixels: (H, W, 3), or (H, W) where all frames are gray, in the deepest frame's 8 or 16 bits.
        index: (H, W) uint8 or uint16, the place in `used` of the frame that each pixel is of; None of an evaluator's.
        depth: (H, W) float32, the same between frames, from 0 to the number of frames less 1; None likewise.
        used: Names of the frames, in the order that they follow each other.
        left_out: Those that the picture has nothing of.
        transforms: (3, 3) each of `used`: from a pixel of the reference frame (x right, y down, 1; centres at whole
            numbers) to its place in that frame.
        gains: (3,) each of `used`: what its red, green and blue were multiplied by, so that all have one brightness.
        reference: The frame whose place, size and metadata the picture has.
        area: Of the reference frame, (rows, columns), that the picture shows.
        metadata: What the picture carries: the reference frame's.
        alpha: (H, W) of the pixels' type; None where all frames are opaque.
        undecided: Share of the pixels at which the focus measure did not tell, and what is around decided; None where
            that was not asked.
        astray: Whether the frames, in the order of their names, jump to and fro in depth.
    """

    pixels: Pixels
    index: NDArray[np.uint8 | np.uint16] | None
    depth: NDArray[np.float32] | None
    used: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    transforms: tuple[NDArray[np.float64], ...]
    reference: str
    area: tuple[slice, slice]
    metadata: Metadata = NOTHING
    alpha: Pixels | None = None
    undecided: float | None = None
    gains: tuple[NDArray[np.float64], ...] = ()
    astray: bool = False

    @property
    def evened(self) -> tuple[str, ...]:
        """Names of the frames whose brightness was changed."""
        return tuple(name for name, gain in zip(self.used, self.gains, strict=False) if changes(gain))

    def save(self, out: str | Path, depth: str | Path | None = None, depth_preview: str | Path | None = None) -> None:
        """Write the picture, and where it has a depth that, too; what is there is replaced.

        Args:
            out: The picture's place, with what it carries as far as the format holds it; a line says what it does not.
            depth: A TIFF's, for `depth` as float32.
            depth_preview: A picture's, for the depth in colours, the first frame's dark.

        Raises:
            RequestError: A place is refused, see `check_image_place`, or two are one; nothing is written.
            WorkError: One cannot be written.
        """
        picture = Path(out)
        map_out, shown = (
            None if place is None or self.depth is None else Path(place) for place in (depth, depth_preview)
        )
        check_apart([place for place in (picture, map_out, shown) if place is not None])
        check_image_place(picture, "the fused image", bits=self.pixels.dtype.itemsize * 8, force=True)
        if map_out is not None:
            check_file(map_out, "the depth map", suffixes=DEPTHS, force=True)
        if shown is not None:
            check_image_place(shown, "the depth map in colours", force=True)
        if lost := write_image(picture, self.pixels, self.metadata, self.alpha):
            logger.warning("%s: cannot hold what the frames carry, and leaves out: %s", out, ", ".join(lost))
        if map_out is not None and self.depth is not None:
            _write_depth(map_out, self.depth)
        if shown is not None and self.depth is not None:
            write_image(shown, coloured(self.depth, len(self.used)))

    def as_dict(self) -> dict[str, Any]:
        """What it is made of, for JSON: names, reasons, gains, each frame's share of the pixels, and the transform from
        a pixel of the picture to its place in the frame."""
        shares = [None] * len(self.used) if self.index is None else _shares(self.index, len(self.used))
        gains = self.gains or (np.ones(3),) * len(self.used)
        rows, columns = self.area
        shown = shift(columns.start, rows.start).matrix
        places = [(transform @ shown).tolist() for transform in self.transforms]
        return {
            "size": {"width": self.pixels.shape[1], "height": self.pixels.shape[0]},
            "bits": self.pixels.dtype.itemsize * 8,
            "reference": self.reference,
            "area": {"left": columns.start, "top": rows.start, "right": columns.stop, "bottom": rows.stop},
            "used": [
                {"name": name, "transform": place, "gains": gain.round(6).tolist(), "share": share}
                for name, place, gain, share in zip(self.used, places, gains, shares, strict=True)
            ],
            "evened": list(self.evened),
            "astray": self.astray,
            "undecided": None if self.undecided is None else round(self.undecided, 6),
            "left_out": [{"name": frame.name, "reason": frame.reason} for frame in self.left_out],
        }


def _shares(index: NDArray[Any], frames: int) -> list[float | None]:
    counts = np.bincount(index.ravel(), minlength=frames)
    return [round(float(count) / index.size, 6) for count in counts]


def _write_depth(place: Path, depth: NDArray[np.float32]) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with replaced(place) as partial:
            tifffile.imwrite(partial, depth, photometric="minisblack", compression="adobe_deflate", predictor=True)
    except OSError as error:
        raise WorkError(
            f"{place}: cannot be written ({error.strerror}); free some space or name another place"
        ) from error
