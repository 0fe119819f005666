"""Whether the frames of a pair agree: things of one size, in one place, in one light. Measured without features.

A similarity and a change of brightness are fitted by Gauss and Newton's steps, coarse to fine (Lucas and Kanade,
IJCAI 1981), along the mean of both frames' gradients (Benhimane and Malis, IROS 2004), which a difference in sharpness
does not bend, and with Cauchy's weights, so that what is out of focus in one frame alone counts little.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.borders import filled, find_borders

WORKING, LARGE = 256, 1024
"""Pixels of the longer side at which frames are compared; twice as many from frames of more than `LARGE` on."""

COARSEST, ROUNDS = 24, 12
"""The fewest pixels of the shorter side that frames are reduced to, and the most steps at each size."""

FAR, SLIGHT = 2.0, 1.0
"""Pixels of displacement from which on frames are not aligned; and where they differ in size or are turned as well."""

RESOLVED = 0.4
"""Pixels at the size at which frames are compared, below which nothing is said."""

LARGER, TURNED, BRIGHTER = 0.007, 0.4, 0.08
"""Shares of size, degrees and shares of brightness from which on frames differ."""

ALIKE, BETTER = 0.5, 0.04
"""The least correlation of frames that are aligned; and the least share of the difference of their details that
aligning removes. A lens that is not symmetric displaces what is out of focus, but no details, and nothing is said."""

Gray = NDArray[np.floating[Any]]
Pose = NDArray[np.float64]
"""Shift to the right and down, in halves of the longer side; scale × cosine - 1 and scale × sine of the rotation."""


@dataclass(frozen=True)
class Agreement:
    """How the second frame differs from the first.

    Attributes:
        scale: Of things in the second frame to those in the first: 1.03 where it shows them 3 % larger.
        shift: (right, down), pixels by which the second frame shows what is in the centre elsewhere.
        rotation: Degrees by which the second is turned, clockwise.
        exposure: Brightness of the second to that of the first, of the values as they are stored.
        displacement: Pixels between the places of one thing in both frames: the root of the mean square.
        aligned: Whether displacement, scale and rotation are too small to matter, or to be told.
    """

    scale: float
    shift: tuple[float, float]
    rotation: float
    exposure: float
    displacement: float
    aligned: bool

    @property
    def exposed_alike(self) -> bool:
        """Whether their brightness differs by less than 8 %."""
        return abs(math.log(self.exposure)) < math.log(1 + BRIGHTER)

    def remark(self, first: str, second: str) -> str | None:
        """A line on what differs and how to mend it; None where the frames agree.

        Args:
            first, second: How the frames are called.
        """
        found = [*self._place()] if not self.aligned else []
        mend = ["align the frames"] if not self.aligned else []
        if not self.exposed_alike:
            found.append(_percent(self.exposure, "brighter", "darker"))
            mend.append("bring them to one exposure" if mend else "bring the frames to one exposure")
        if not mend:
            return None
        return f"{second}: compared with {first} the scene is {', '.join(found)}; {' and '.join(mend)} first"

    def _place(self) -> Iterator[str]:
        if abs(self.scale - 1) >= 0.002:
            yield _percent(self.scale, "larger", "smaller")
        for pixels, more, less in zip(self.shift, ("to the right", "down"), ("to the left", "up"), strict=True):
            if abs(pixels) >= 0.5:
                yield f"{abs(pixels):.1f} px {more if pixels > 0 else less}"
        if abs(self.rotation) >= 0.1:
            yield f"turned {abs(self.rotation):.1f}° {'' if self.rotation > 0 else 'counter'}clockwise"


def measure_agreement(first: NDArray[Any], second: NDArray[Any]) -> Agreement | None:
    """How the frames of a pair differ in size, place and brightness, to a fraction of a pixel.

    The time is that of comparing some 256 × 256 pixels, or four times as many, whatever the frames' size, and of
    reducing the frames to them. What one frame lacks along its sides, see `find_borders`, is not compared.

    Args:
        first, second: (H, W, 3) uint8 or uint16, both of one size.

    Returns:
        None where they have too little in common to tell, or are too small.
    """
    side = max(first.shape[:2])
    factor = -(-side // (WORKING if side <= LARGE else 2 * WORKING))
    if min(first.shape[:2]) < COARSEST * factor:
        return None
    frames = _without_borders(first, second)
    sizes = [(_reduced(frames[0], factor), _reduced(frames[1], factor))]
    while min(sizes[-1][0].shape) >= 2 * COARSEST:
        sizes.append((_reduced(sizes[-1][0], 2), _reduced(sizes[-1][1], 2)))
    smooth = [(_smoothed(one), _smoothed(other)) for one, other in reversed(sizes)]
    pose = _start(*smooth[0])
    for pair in smooth:
        pose = _registered(*pair, pose)
    if _difference(*smooth[-1], pose)[1] < ALIKE:
        return None
    details = _details(sizes[0][0]), _details(sizes[0][1])
    apart, left = (_difference(*details, place)[0] for place in (np.zeros(4), pose))
    return _agreement(pose, first.shape[:2], factor, left < (1 - BETTER) * apart, _exposure(*smooth[-1], pose))


def _agreement(pose: Pose, size: tuple[int, ...], factor: int, better: bool, exposure: float) -> Agreement:
    height, width = size
    right, down = pose[:2] * max(size) / 2
    scale, turned = math.hypot(1 + pose[2], pose[3]), math.degrees(math.atan2(pose[3], 1 + pose[2]))
    # The mean of x² over a side of w pixels is w²/12.
    spread = (pose[2] ** 2 + pose[3] ** 2) * (height**2 + width**2) / 12
    displacement = math.sqrt(right**2 + down**2 + spread)
    least = SLIGHT if abs(scale - 1) >= LARGER or abs(turned) >= TURNED else FAR
    aligned = not better or displacement < max(least, RESOLVED * factor)
    return Agreement(scale, (float(right), float(down)), turned, exposure, displacement, aligned)


def _without_borders(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if first.dtype != second.dtype:
        first, second = (image.astype(np.uint16) * (257 if image.dtype == np.uint8 else 1) for image in (first, second))
    void = find_borders(first, second)
    if void is None:
        return first, second
    return filled(first, second, void.first), filled(second, first, void.second)


def _reduced(image: NDArray[Any], factor: int) -> Gray:
    """Means of squares and channels, (H, W, …) -> (H / factor, W / factor), in [0, 1]."""
    height, width = (side // factor for side in image.shape[:2])
    whole = image[: height * factor, : width * factor]
    kind = np.uint32 if whole.dtype.kind == "u" else np.float32
    rows = whole.reshape(height, factor, -1).sum(1, dtype=kind)
    means: Gray = rows.reshape(height, width, -1).mean(2, dtype=np.float32) / np.float32(factor)
    return means / np.float32(np.iinfo(image.dtype.name).max) if image.dtype.kind == "u" else means


def _smoothed(image: Gray) -> Gray:
    """By the binomial kernel of five, twice along each side."""
    for _ in range(4):
        padded = np.pad(image.T, ((2, 2), (0, 0)), mode="edge")
        rows = padded.shape[0] - 4
        image = np.sum([weight / 16 * padded[at : at + rows] for at, weight in enumerate((1, 4, 6, 4, 1))], axis=0)
    return image


def _details(image: Gray) -> Gray:
    """What twice smoothing takes away."""
    return image - _smoothed(_smoothed(image))


def _places(shape: tuple[int, ...]) -> tuple[Gray, Gray, float]:
    """Of each pixel from the centre, in halves of the longer side; and that half, in pixels."""
    half = max(shape) / 2
    down, right = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return (right - (shape[1] - 1) / 2) / half, (down - (shape[0] - 1) / 2) / half, half


def _warped(image: Gray, pose: Pose) -> tuple[Gray, NDArray[np.bool_]]:
    """What the image has where each pixel's place goes, bilinear; and where that is inside of it by a pixel."""
    height, width = image.shape
    right, down, half = _places(image.shape)
    cosine, sine = 1 + pose[2], pose[3]
    across = (cosine * right - sine * down + pose[0]) * half + (width - 1) / 2
    along = (sine * right + cosine * down + pose[1]) * half + (height - 1) / 2
    inside = (across >= 1) & (across <= width - 2) & (along >= 1) & (along <= height - 2)
    across, along = across.clip(0, width - 1.001), along.clip(0, height - 1.001)
    column, row = across.astype(np.intp), along.astype(np.intp)
    across, along = across - column, along - row
    flat, place = image.ravel(), row * width + column
    above = flat[place] * (1 - across) + flat[place + 1] * across
    below = flat[place + width] * (1 - across) + flat[place + width + 1] * across
    return above * (1 - along) + below * along, inside


def _start(first: Gray, second: Gray) -> Pose:
    """The shift, up to two fifths of half the longer side, at which the coarsest frames differ least."""
    shifts = np.linspace(-0.4, 0.4, 9)
    poses = [np.array([right, down, 0, 0]) for right in shifts for down in shifts]
    zero = np.zeros(4)
    best = min(poses, key=lambda pose: _difference(first, second, pose)[0])
    return best if _difference(first, second, best)[0] < 0.8 * _difference(first, second, zero)[0] else zero


def _difference(first: Gray, second: Gray, pose: Pose) -> tuple[float, float]:
    """Mean difference in standard deviations, brightness and contrast aside; and correlation."""
    warped, inside = _warped(second, pose)
    one, other = first[inside], warped[inside]
    if one.size < 100 or min(one.std(), other.std()) < 1e-4:
        return math.inf, 0
    one, other = (one - one.mean()) / one.std(), (other - other.mean()) / other.std()
    return float(np.abs(one - other).mean()), float((one * other).mean())


def _registered(first: Gray, second: Gray, pose: Pose) -> Pose:
    """The pose at which the second frame, with its contrast and brightness fitted, differs least from the first."""
    right, down, half = _places(first.shape)
    slopes = np.gradient(first)
    for _ in range(ROUNDS):
        warped, inside = _warped(second, pose)
        one, other, x, y = first[inside], warped[inside], right[inside], down[inside]
        if one.size < 100 or min(one.std(), other.std()) < 1e-4:
            return pose
        contrast = one.std() / other.std()
        fitted = (other - other.mean()) * contrast + one.mean()
        along, across = (
            (one_slope[inside] + contrast * other_slope[inside]) * (half / 2)
            for one_slope, other_slope in zip(slopes, np.gradient(warped), strict=True)
        )
        turned = along * x - across * y
        columns = [across, along, across * x + along * y, turned, fitted - one.mean(), np.ones_like(one)]
        step = _weighed(np.stack(columns, 1), one - fitted)[:4]
        pose = pose + step
        if np.abs(step).max() * half < 0.005 or np.abs(pose).max() > 1:
            break
    return pose if np.abs(pose).max() <= 1 else np.zeros(4)


def _weighed(columns: Gray, difference: Gray) -> Pose:
    """One step of least squares with Cauchy's weights, whose scale is that of the median difference."""
    scale = 2 * 1.4826 * float(np.median(np.abs(difference))) + 1e-6
    weighed = columns / (1 + (difference / scale) ** 2)[:, None]
    normal: Pose = (weighed.T @ columns).astype(np.float64)
    normal[np.diag_indices(len(normal))] += 1e-6 * np.trace(normal) / len(normal)
    step: Pose = np.linalg.solve(normal, np.asarray(weighed.T @ difference, np.float64)).astype(np.float64)
    return step


def _exposure(first: Gray, second: Gray, pose: Pose) -> float:
    """The median ratio of brightness, of what is neither dark nor cut off in either; 1 where there is none."""
    warped, inside = _warped(second, pose)
    told = inside & (np.minimum(first, warped) > 0.02) & (np.maximum(first, warped) < 0.95)
    return float(np.exp(np.median(np.log(warped[told] / first[told])))) if told.sum() >= 50 else 1.0


def _percent(ratio: float, more: str, less: str) -> str:
    return f"{abs(ratio - 1) * 100:.1f} % {more if ratio > 1 else less}"
