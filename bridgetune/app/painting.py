"""Correcting by hand which frame is where: strokes of a brush, undone and done again, and what comes of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydantic import Field

from bridgetune.app.fusing import INDEX, Result, write_choice
from bridgetune.app.tiles import fitted, in_8_bits
from bridgetune.config._model import Frozen, Share
from bridgetune.errors import RequestError
from bridgetune.inference.stacks.depth import coloured
from bridgetune.pictures import evened, read_whole_image, write_image
from bridgetune.pictures.exposure import light, measured_gains
from bridgetune.pictures.transforms import IDENTITY

MOST_POINTS, LARGEST = 5000, 4096
"""Of a stroke, and pixels across a brush."""

ROOM = 1 << 30
"""Bytes of what strokes have covered, kept so that they can be undone: the oldest go first."""

AROUND, TOLD = 32, 512
"""Pixels around a stroke, at the least, by which its brightness is told; and of the longer side that they come to."""

Place = tuple[Annotated[float, Field(ge=-LARGEST, le=1e6)], Annotated[float, Field(ge=-LARGEST, le=1e6)]]


class Stroke(Frozen):
    """A stroke of the brush."""

    points: Annotated[tuple[Place, ...], Field(min_length=1, max_length=MOST_POINTS)]
    """Where it went, (right, down) in pixels of the picture."""
    size: Annotated[float, Field(ge=1, le=LARGEST)]
    """Pixels across the brush."""
    softness: Share = 0.0
    """Of the brush that fades out."""
    frame: Annotated[int, Field(ge=0)]
    """That is taken, as the result counts those that it shows."""
    even: bool = False
    """Whether each of its channels is brought to the brightness of the picture around the stroke."""

    def cover(self, size: tuple[int, int]) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
        """What it covers of a picture of (height, width): the rows and columns, and how much there, in [0, 1]."""
        import cv2

        reach = int(np.ceil(self.size))
        points = np.asarray(self.points)
        low = np.clip(np.floor(points.min(0)).astype(int) - reach, 0, size[::-1])
        high = np.clip(np.ceil(points.max(0)).astype(int) + reach + 1, 0, size[::-1])
        area = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
        mask = np.zeros((area[0].stop - area[0].start, area[1].stop - area[1].start), np.uint8)
        if not mask.size:
            return area, mask.astype(np.float32)
        core = max(self.size * (1 - self.softness / 3), 1.0)
        places = np.rint((points - low) * 16).astype(np.int32)
        for begin, end in zip(places, [*places[1:], places[-1]], strict=True):
            cv2.line(mask, begin.tolist(), end.tolist(), 255, max(round(core), 1), cv2.LINE_AA, 4)
        cover: NDArray[np.float32] = mask.astype(np.float32) / np.float32(255)
        if self.softness:
            cover = cv2.GaussianBlur(cover, (0, 0), max(self.softness * self.size / 10, 0.3))
        return area, cover


@dataclass(frozen=True, eq=False)
class _Patch:
    """What a stroke has covered."""

    stroke: Stroke
    area: tuple[slice, slice]
    pixels: NDArray[Any]
    index: NDArray[Any]

    @property
    def room(self) -> int:
        return self.pixels.nbytes + self.index.nbytes


class Painting:
    """A result whose frames are chosen anew where a brush goes.

    Args:
        result: One that knows which frame is where.

    Attributes:
        result: The same.
        version: Counts changes.

    Raises:
        RequestError: It does not know.
    """

    def __init__(self, result: Result) -> None:
        if not result.map:
            raise RequestError(f"{result.title}: has no map to correct; fuse by a method that draws one")
        self.result, self.version = result, 0
        self._picture = read_whole_image(result.folder / "fused.tif")
        self._pixels = self._picture.pixels.copy()
        self._index = np.load(result.folder / INDEX)
        self._done: list[_Patch] = []
        self._undone: list[Stroke] = []
        self._frame: tuple[int, NDArray[Any]] = -1, self._pixels

    @property
    def strokes(self) -> tuple[int, int]:
        """Those that are done, and those that are undone and can be done again."""
        return len(self._done), len(self._undone)

    def paint(self, stroke: Stroke) -> None:
        """Take a frame where a stroke goes; what was undone is gone.

        Raises:
            RequestError: There is no such frame.
        """
        if stroke.frame >= len(self.result.used):
            raise RequestError(f"frame: got {stroke.frame}, expected 0 to {len(self.result.used) - 1}; reload the page")
        self._undone.clear()
        self._paint(stroke)

    def undo(self) -> None:
        """Take the last stroke back, where there is one."""
        if self._done:
            patch = self._done.pop()
            self._pixels[patch.area], self._index[patch.area] = patch.pixels, patch.index
            self._undone.append(patch.stroke)
            self.version += 1

    def redo(self) -> None:
        """Do again what was undone last, where there is something."""
        if self._undone:
            self._paint(self._undone.pop())

    def layer(self, name: str) -> NDArray[np.uint8]:
        """The picture as it is now, `fused`, or which frame is where, `map`, (H, W, 3) uint8.

        Raises:
            RequestError: There is no such layer.
        """
        if name == "fused":
            return in_8_bits(self._pixels).copy()
        if name == "map":
            return coloured(self._index.astype(np.float32), len(self.result.used))
        raise RequestError("this layer is not there; reload the page")

    def keep(self, folder: Path) -> Result:
        """Write what has come of it, and leave it as it is.

        Args:
            folder: Empty, for the files.
        """
        begun = time.perf_counter()
        picture, used = self._picture, self.result.used
        pixels = self._pixels[..., 0] if picture.gray else self._pixels
        write_image(folder / "fused.tif", pixels, picture.metadata, picture.alpha)
        np.save(folder / INDEX, self._index)
        if self.result.is_pair:
            write_choice(folder, self._index)
        else:
            depth = tifffile.imread(self.result.folder / "depth.tif")
            changed = self._index != np.load(self.result.folder / INDEX)
            depth[changed] = self._index[changed]
            tifffile.imwrite(folder / "depth.tif", depth, photometric="minisblack", compression="adobe_deflate")
            write_image(folder / "depth.png", coloured(depth, len(used)))
        counts = np.bincount(self._index.ravel(), minlength=len(used)) / self._index.size
        return replace(
            self.result,
            folder=folder,
            title=f"{self.result.title}, mended",
            used=tuple(replace(frame, share=float(share)) for frame, share in zip(used, counts, strict=True)),
            seconds=time.perf_counter() - begun,
        )

    def _paint(self, stroke: Stroke) -> None:
        area, cover = stroke.cover(self._index.shape)
        self._done.append(_Patch(stroke, area, self._pixels[area].copy(), self._index[area].copy()))
        weight = cover[..., None]
        taken = self._of(stroke.frame)[area]
        if stroke.even:
            taken = evened(taken, self._gains(stroke, area))
        mixed = weight * taken + (1 - weight) * self._pixels[area]
        self._pixels[area] = np.rint(mixed).astype(self._pixels.dtype)
        self._index[area][cover >= 0.5] = stroke.frame
        while len(self._done) > 1 and sum(patch.room for patch in self._done) > ROOM:
            self._done.pop(0)
        self.version += 1

    def _gains(self, stroke: Stroke, area: tuple[slice, slice]) -> NDArray[np.float64]:
        """What the frame's channels are multiplied by to be as bright as the picture in the stroke and around it.

        Only what is of the frame that most of it is of counts: another one beside it may have another brightness.
        """
        import cv2

        around = max(int(stroke.size), AROUND)
        wide = tuple(slice(max(side.start - around, 0), side.stop + around) for side in area)
        picture, frame = (light(fitted(pixels[wide], TOLD) / 255) for pixels in (self._pixels, self._of(stroke.frame)))
        now = np.bincount(self._index[area].ravel(), minlength=1).argmax()
        alike = cv2.resize((self._index[wide] == now).astype(np.uint8), picture.shape[1::-1]).astype(np.bool_)
        return measured_gains(picture, frame, IDENTITY, alike)

    def _of(self, number: int) -> NDArray[Any]:
        if self._frame[0] != number:
            pixels = self.result.aligned(number)
            deeper = self._pixels.dtype.itemsize > pixels.dtype.itemsize
            self._frame = number, pixels.astype(self._pixels.dtype) * 257 if deeper else pixels
        return self._frame[1]
