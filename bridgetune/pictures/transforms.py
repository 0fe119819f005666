"""Where the places of one picture lie in another: transforms, frames warped by them, what all show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bridgetune.errors import RequestError

Sample = TypeVar("Sample", bound=np.generic)
"""uint8, uint16 or float32."""

LARGEST = 32_766
"""Pixels of a side up to which OpenCV warps."""

CELLS = 16
"""Along either side of a picture: the centres of as many by as many stand for all its pixels."""

BESIDE = 1 / 32
"""Of a pixel, by which a place may lie beside a frame: OpenCV interpolates in such steps."""

ALONG = 1e-12
"""Of a pixel a pixel, below which a side is taken for level."""


@dataclass(frozen=True, eq=False)
class Transform:
    """Where the places of one picture, the reference, lie in another, the frame.

    Attributes:
        matrix: (3, 3) float64, of (right, down, 1) in pixels, pixel centres at whole numbers; the last entry is 1.
    """

    matrix: NDArray[np.float64]

    def __matmul__(self, earlier: Transform) -> Transform:
        """First the earlier, then this one."""
        return Transform(_normed(self.matrix @ earlier.matrix))

    def inverse(self) -> Transform:
        """From places of the frame to those of the reference."""
        return Transform(_normed(np.linalg.inv(self.matrix)))

    def places(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Where points lie in the frame, (N, 2) -> (N, 2), each (right, down)."""
        ahead = np.column_stack([points, np.ones(len(points))]) @ self.matrix.T
        return np.asarray(ahead[:, :2] / ahead[:, 2:], np.float64)

    def displacement(self, size: tuple[int, int]) -> float:
        """Pixels between the places of one thing in both, over a picture of (height, width): root mean square."""
        points = spread(size)
        return float(np.sqrt(((self.places(points) - points) ** 2).sum(1).mean()))

    @property
    def is_identity(self) -> bool:
        """Whether every place is its own."""
        return bool((self.matrix == np.eye(3)).all())

    def enlarged(self, factor: float) -> Transform:
        """The same between pictures `factor` times as large, the corners of whose pixels coincide with theirs."""
        half = (factor - 1) / 2
        larger = np.array([[factor, 0, half], [0, factor, half], [0, 0, 1]])
        return Transform(_normed(larger @ self.matrix @ np.linalg.inv(larger)))


IDENTITY = Transform(np.eye(3))


def shift(right: float, down: float) -> Transform:
    """By pixels."""
    return Transform(np.array([[1, 0, right], [0, 1, down], [0, 0, 1]], np.float64))


def spread(size: tuple[int, int]) -> NDArray[np.float64]:
    """Points that stand for all pixels of a picture of (height, width), (N, 2)."""
    down, right = (side * (np.arange(CELLS) + 0.5) / CELLS - 0.5 for side in size)
    return np.stack(np.meshgrid(right, down), -1).reshape(-1, 2)


def warped(
    pixels: NDArray[Sample], transform: Transform, size: tuple[int, int]
) -> tuple[NDArray[Sample], NDArray[np.bool_]]:
    """A frame as the reference would show it, interpolated once, by cubics.

    Lanczos's kernel of eight loses 2 dB less there and back, which is some 55 dB, in four times the time. Memory is
    that of what is returned and some rows.

    Args:
        pixels: Of the frame, (H, W) or (H, W, C).
        transform: From the reference to the frame.
        size: (height, width) of the reference.

    Returns:
        (height, width) or (height, width, C) of the same type; and (height, width), true where the frame shows
        something. Elsewhere its border is repeated.

    Raises:
        RequestError: A side is longer than OpenCV warps.
    """
    if transform.is_identity and pixels.shape[:2] == size:
        return pixels, np.ones(size, bool)
    if max(*pixels.shape[:2], *size) > LARGEST:
        raise RequestError(
            f"alignment: got pictures of {pixels.shape[1]}×{pixels.shape[0]} pixels, expected sides of at most"
            f" {LARGEST}; reduce them, or take them as they are (--align none)"
        )
    import cv2

    how = {"flags": cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
    if (transform.matrix[2, :2] == 0).all():
        moved = cv2.warpAffine(pixels, transform.matrix[:2], size[::-1], **how)
    else:
        moved = cv2.warpPerspective(pixels, transform.matrix, size[::-1], **how)
    left, right = _seen(transform, pixels.shape[:2], size[0])
    columns = np.arange(size[1])
    return moved, (columns >= left[:, None]) & (columns <= right[:, None])


def common_area(transforms: Sequence[Transform], sizes: Sequence[tuple[int, int]]) -> tuple[slice, slice]:
    """The largest upright rectangle of the reference that all frames show.

    Args:
        transforms: From the reference to each frame; its own, the identity, is among them.
        sizes: (height, width) of each frame.

    Returns:
        Rows and columns of the reference.

    Raises:
        RequestError: There is no place that all show.
    """
    height = max(size[0] for size in sizes)
    seen = [_seen(transform, size, height) for transform, size in zip(transforms, sizes, strict=True)]
    left = np.ceil(np.max([one for one, _ in seen], axis=0)).clip(0)
    right = np.floor(np.min([other for _, other in seen], axis=0)) + 1
    best, area = (0, 0, 0, 0), 0.0
    for top in np.flatnonzero(right > left):
        # What all frames show is convex: a rectangle between two rows is as wide as these two allow.
        widths = np.minimum(right[top:], right[top]) - np.maximum(left[top:], left[top])
        areas = widths * np.arange(1, height - top + 1)
        tall = int(areas.argmax())
        if areas[tall] > area:
            bottom, area = top + tall, areas[tall]
            best = (int(top), int(bottom) + 1, int(max(left[top], left[bottom])), int(min(right[top], right[bottom])))
    if not area:
        raise RequestError("alignment: the frames have no part of the scene in common; leave out those that differ")
    return slice(best[0], best[1]), slice(best[2], best[3])


def _seen(transform: Transform, size: tuple[int, int], height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first and the last place of each of the reference's rows that the frame shows, (height,) each.

    A place p is shown where M p lies between the frame's sides: five inequalities that are linear in p.
    """
    ahead = transform.matrix
    low = -BESIDE
    sides = [
        ahead[0] - low * ahead[2],
        (size[1] - 1 - low) * ahead[2] - ahead[0],
        ahead[1] - low * ahead[2],
        (size[0] - 1 - low) * ahead[2] - ahead[1],
        ahead[2],
    ]
    rows = np.arange(height)
    left, right = np.full(height, -np.inf), np.full(height, np.inf)
    for across, down, rest in sides:
        value = down * rows + rest
        if across > ALONG:
            left = np.maximum(left, -value / across)
        elif across < -ALONG:
            right = np.minimum(right, -value / across)
        else:
            right = np.where(value < 0, -np.inf, right)
    return left, right


def _normed(matrix: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.asarray(matrix / matrix[2, 2], np.float64)
