"""A part of the picture in numbers, what the fusion metrics say of results there; and where nothing tells the focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bridgetune.app.fusing import INDEX, Result
from bridgetune.config._model import Frozen
from bridgetune.config.bounds import LARGEST_SIDE
from bridgetune.errors import RequestError
from bridgetune.pictures import read_image

SMALLEST = 32
"""Pixels of a region's sides: in fewer, windows of eight to eleven pixels hardly fit next to each other."""

MOST_PIXELS = 1 << 20
"""Of a region: more take long, and say less of a place."""

_STRIP = 512
"""Rows that are looked at together."""

Pixel = Annotated[int, Field(ge=0, le=LARGEST_SIDE * 4)]


class Region(Frozen):
    """A rectangle of a fused picture, in its pixels."""

    left: Pixel
    """Columns before it."""
    top: Pixel
    """Rows above it."""
    width: Pixel
    """Columns of it."""
    height: Pixel
    """Rows of it."""

    @property
    def area(self) -> tuple[slice, slice]:
        """(rows, columns)."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def check(self, shape: tuple[int, int]) -> None:
        """Raise `RequestError` unless it lies in a picture of (height, width), neither too small nor too large."""
        said = f"region: got {self.width}×{self.height} pixels"
        if min(self.width, self.height) < SMALLEST:
            raise RequestError(f"{said}, expected sides of {SMALLEST} or more; choose a larger one")
        if self.width * self.height > MOST_PIXELS:
            raise RequestError(f"{said}, expected {MOST_PIXELS:,} in all at most; choose a smaller one")
        if self.left + self.width > shape[1] or self.top + self.height > shape[0]:
            raise RequestError(
                f"{said} from ({self.left}, {self.top}) on, expected a part of {shape[1]}×{shape[0]}; choose it anew"
            )


@dataclass(frozen=True)
class Scored:
    """What is known of results in a region.

    Attributes:
        scores: Of each result, in their order: the name of a metric -> its score there, NaN where it is not defined.
        first: Of each, the share of the region that is the first frame's; None where nothing says so.
        homogeneous: Share of the region in which both frames are homogeneous, of the first result's.
    """

    scores: tuple[dict[str, float], ...]
    first: tuple[float | None, ...]
    homogeneous: float


def scored(results: Sequence[Result], region: Region) -> Scored:
    """The fusion metrics of a part of results, against the same part of the two frames that each is made of.

    The frames are taken as they lie under the picture, in their own brightness.

    Args:
        results: One or more, of one size.
        region: Within it.

    Raises:
        RequestError: A result is not made of two frames, or see `Region.check`.
    """
    import torch

    from bridgetune.metrics.fusion import SourcePair
    from bridgetune.metrics.maps import HOMOGENEOUS
    from bridgetune.pictures import to_tensor

    for result in results:
        region.check(result.shape)
        if len(result.used) != 2:
            raise RequestError(
                f"{result.title}: shows {len(result.used)} frames, and the metrics are of two; fuse two pictures"
            )

    def batch(pixels: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(pixels[region.area].transpose(2, 0, 1)))[None]

    pairs: dict[object, SourcePair] = {}
    scores, first, homogeneous = [], [], []
    for result in results:
        if result.lies not in pairs:
            frames = [result.aligned(number) for number in (0, 1)]
            pairs[result.lies] = SourcePair(batch(frames[0]), batch(frames[1]))
            both = [HOMOGENEOUS.of(to_tensor(frame[region.area])[None]) for frame in frames]
            homogeneous.append(float((both[0] & both[1]).double().mean()))
        found = pairs[result.lies].score(batch(read_image(result.folder / "fused.tif").pixels))
        scores.append({name: float(score) for name, score in found.items()})
        index = np.load(result.folder / INDEX)[region.area] if result.map else None
        first.append(None if index is None else float((index == 0).mean()))
    return Scored(tuple(scores), tuple(first), homogeneous[0])


def homogeneous(result: Result) -> NDArray[np.bool_]:
    """Where every frame that a result shows is homogeneous, see `HOMOGENEOUS`, so that nothing tells the focus: (H, W).

    Of a pair, that is the region of `invention_homogeneous`.
    """
    region = np.ones(result.shape, np.bool_)
    for number in range(len(result.used)):
        region &= _homogeneous(result.aligned(number))
    return region


def _homogeneous(pixels: NDArray[np.uint8 | np.uint16]) -> NDArray[np.bool_]:
    """Where one picture is, (H, W, 3) -> (H, W); a strip at a time, to the pixel as if it were at once."""
    from bridgetune.metrics.maps import HOMOGENEOUS
    from bridgetune.pictures import to_tensor

    reach = HOMOGENEOUS.window // 2
    region = np.empty(pixels.shape[:2], np.bool_)
    for top in range(0, len(pixels), _STRIP):
        above = max(top - reach, 0)
        found = HOMOGENEOUS.of(to_tensor(pixels[above : top + _STRIP + reach])[None])[0, 0].numpy()
        region[top : top + _STRIP] = found[top - above :][:_STRIP]
    return region
