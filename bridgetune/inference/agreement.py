"""Whether the frames of a pair agree: things of one size, in one place, in one light."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.borders import filled, find_borders
from bridgetune.pictures import Registration, register

WORKING = 256
"""Pixels of the longer side up to which frames are compared."""

FAR, SLIGHT = 2.3, 1.0
"""Pixels of displacement from which on frames are not aligned; and where they differ in size or are turned as well."""

RESOLVED = 0.4
"""Pixels at the size at which frames are compared, below which nothing is said."""

LARGER, TURNED, BRIGHTER, COLOURED = 0.007, 0.4, 0.08, 0.06
"""Shares of size, degrees, shares of brightness and of one channel's brightness to another's, from which on frames
differ."""

BETTER = 0.18
"""The least share of what frames' details lack in correlation that aligning removes. A lens that is not symmetric
displaces what is out of focus, but no details, and nothing is said."""

CHANNELS = ("red", "green", "blue")


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
        channels: `exposure` of red, green and blue.
    """

    scale: float
    shift: tuple[float, float]
    rotation: float
    exposure: float
    displacement: float
    aligned: bool
    channels: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def exposed_alike(self) -> bool:
        """Whether their brightness differs by less than 8 %, and that of one channel to another's by less than 6."""
        return abs(math.log(self.exposure)) < math.log(1 + BRIGHTER) and self._coloured_alike

    @property
    def _coloured_alike(self) -> bool:
        return max(self.channels) / min(self.channels) < 1 + COLOURED

    @property
    def in_gray(self) -> Agreement:
        """Of frames one of which has no colour, so that channels tell nothing: each as bright as all."""
        return replace(self, channels=(self.exposure,) * 3)

    def remark(self, first: str, second: str) -> str | None:
        """A line on what differs and how to mend it; None where the frames agree.

        Args:
            first, second: How the frames are called.
        """
        found = [*self.found()] if not self.aligned else []
        mend = ["align the frames"] if not self.aligned else []
        if not self.exposed_alike:
            found.extend(self.light())
            mend.append("bring them to one exposure" if mend else "bring the frames to one exposure")
        if not mend:
            return None
        options = " ".join(["--align auto"] * (not self.aligned) + ["--exposure"] * (not self.exposed_alike))
        return (
            f"{second}: compared with {first} the scene is {', '.join(found)}; {' and '.join(mend)} first ({options})"
        )

    def found(self) -> Iterator[str]:
        """What differs in size, place and rotation, each in some words."""
        if abs(self.scale - 1) >= 0.002:
            yield _percent(self.scale, "larger", "smaller")
        for pixels, more, less in zip(self.shift, ("to the right", "down"), ("to the left", "up"), strict=True):
            if abs(pixels) >= 0.5:
                yield f"{abs(pixels):.1f} px {more if pixels > 0 else less}"
        if abs(self.rotation) >= 0.1:
            yield f"turned {abs(self.rotation):.1f}° {'' if self.rotation > 0 else 'counter'}clockwise"

    def light(self) -> Iterator[str]:
        """What differs in brightness, in some words: in all, or channel by channel where they differ among them."""
        if self._coloured_alike:
            yield _percent(self.exposure, "brighter", "darker")
            return
        for name, ratio in zip(CHANNELS, self.channels, strict=True):
            if abs(ratio - 1) >= 0.01:
                yield f"{_percent(ratio, 'brighter', 'darker')} in {name}"


def measure_agreement(first: NDArray[Any], second: NDArray[Any]) -> Agreement | None:
    """How the frames of a pair differ in size, place and brightness, to a fraction of a pixel.

    The time is that of comparing some 256 × 256 pixels, whatever the frames' size, and of reducing the frames to them.
    What one frame lacks along its sides, see `find_borders`, is not compared.

    Args:
        first, second: (H, W, 3) uint8 or uint16, both of one size.

    Returns:
        None where they have too little in common to tell, or are too small.
    """
    found = register(*_without_borders(first, second), "similarity", finest=WORKING)
    if found is None:
        return None
    size = (first.shape[0], first.shape[1])
    factor = -(-max(size) // WORKING)
    agreement = agreement_of(found, size)
    better = 1 - found.correlation < (1 - BETTER) * (1 - found.unaligned)
    slight = abs(agreement.scale - 1) < LARGER and abs(agreement.rotation) < TURNED
    least = max(FAR if slight else SLIGHT, RESOLVED * factor)
    return replace(agreement, aligned=not better or agreement.displacement < least)


def agreement_of(registration: Registration, size: tuple[int, int]) -> Agreement:
    """What was found by registering the second frame upon the first, of (height, width); aligned where nothing was."""
    matrix = registration.transform.matrix
    middle = np.array([[(size[1] - 1) / 2, (size[0] - 1) / 2]])
    right, down = (registration.transform.places(middle) - middle)[0]
    channels = 1 / registration.gains
    red, green, blue = (float(channel) for channel in channels)
    return Agreement(
        math.sqrt(abs(np.linalg.det(matrix[:2, :2]))),
        (float(right), float(down)),
        math.degrees(math.atan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1])),
        float(np.exp(np.log(channels).mean())),
        registration.transform.displacement(size),
        registration.transform.is_identity,
        (red, green, blue),
    )


def _without_borders(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if first.dtype != second.dtype:
        first, second = (image.astype(np.uint16) * (257 if image.dtype == np.uint8 else 1) for image in (first, second))
    void = find_borders(first, second)
    if void is None:
        return first, second
    return filled(first, second, void.first), filled(second, first, void.second)


def _percent(ratio: float, more: str, less: str) -> str:
    return f"{abs(ratio - 1) * 100:.1f} % {more if ratio > 1 else less}"
