"""A stack's frames laid upon each other: neighbour upon neighbour, composed to the reference, each warped once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bridgetune.config import StackConfig
from bridgetune.pictures.exposure import evened
from bridgetune.pictures.registration import Compared, Registration, chained, registered
from bridgetune.pictures.transforms import IDENTITY, Transform, common_area, shift, warped

Pixels = NDArray[np.uint8 | np.uint16]

MOST_CHAINS = 3
"""Runs of frames that go together, the last frame of each of which is kept."""

UNREGISTERED = "it cannot be registered: it has too little in common with the others"

SLIGHT = 0.02
"""Of a pixel: a frame that is displaced by less is taken as it is."""

SEEN = 0.035
"""Share of brightness by which a frame differs where all are evened without being asked for. With less no seam shows,
and what glows out of focus may pass for some of it."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """How frames lie upon the reference, and what is shown of it.

    Attributes:
        transforms: Of each frame: from the reference's pixels to its own.
        gains: (3,) of each frame, what its channels are multiplied by.
        area: Rows and columns of the reference that the picture shows.
    """

    transforms: tuple[Transform, ...]
    gains: tuple[NDArray[np.float64], ...]
    area: tuple[slice, slice]

    def shown(self, at: int, pixels: Pixels) -> tuple[Pixels, NDArray[np.bool_] | None]:
        """A frame as the reference would show it, (H, W, …) -> the area of it; and where it holds something.

        Where the frame lies upon the reference already its own pixels are returned, and None: it holds all.
        """
        rows, columns = self.area
        if pixels.ndim == 3:
            pixels = evened(pixels, self.gains[at])
        if self.transforms[at].is_identity:
            return np.ascontiguousarray(pixels[rows, columns]), None
        there = self.transforms[at] @ shift(columns.start, rows.start)
        size = rows.stop - rows.start, columns.stop - columns.start
        moved, holds = warped(cast(Any, pixels), there, size)
        return moved, None if holds.all() else holds


@dataclass
class _Chain:
    """Frames of which each is registered upon the one before."""

    last: Compared | None
    places: list[int]
    registrations: list[Registration] = field(default_factory=list)


class Aligning:
    """Frames on their way to be aligned: each is seen once, in the order of the stack.

    Args:
        config: See `StackConfig`.
    """

    def __init__(self, config: StackConfig) -> None:
        self._config = config
        self._chains: list[_Chain] = []

    def see(self, place: int, pixels: Pixels) -> None:
        """Register a frame upon the last of those that it goes with; most frames' chain is tried first."""
        self._chains.sort(key=lambda chain: -len(chain.places))
        compared = Compared.of(pixels)
        for chain in self._chains:
            found = registered(chain.last, compared, self._config.align)
            if found is not None:
                chain.places.append(place)
                chain.registrations.append(found)
                chain.last = compared
                return
        self._chains = [*self._chains[: MOST_CHAINS - 1], _Chain(compared, [place])]

    def registered(self) -> list[int]:
        """Places of the frames that can be laid upon each other."""
        return max(self._chains, key=lambda chain: len(chain.places)).places

    def alignment(self, places: Sequence[int], reference: int, size: tuple[int, int]) -> Alignment:
        """How frames lie upon the reference.

        Args:
            places: Of the frames, some or all of those `registered`.
            reference: One of them.
            size: (height, width) of all.

        Raises:
            RequestError: They have no part of the scene in common.
        """
        longest = max(self._chains, key=lambda chain: len(chain.places))
        registrations = longest.registrations
        if self._config.align == "auto" and any(one.model != "identity" for one in registrations):
            registrations = [one.as_similarity() for one in registrations]  # what moves breathes, however little a step
        found = chained(registrations, longest.places.index(reference))
        own = {place: one for place, one in zip(longest.places, found, strict=True) if one is not None}
        transforms = [_slight(own[place].transform, size) for place in places]
        gains = self._gains([own[place].gains for place in places])
        area = common_area(transforms, [size] * len(places)) if self._config.edges == "crop" else _whole(size)
        return Alignment(tuple(transforms), gains, area)

    def _gains(self, found: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
        """What the frames' channels are multiplied by, as `StackConfig.exposure` has it."""
        exposure = self._config.exposure
        automatic = exposure == "auto" and self._config.align != "none" and np.abs(np.array(found) - 1).max() >= SEEN
        return tuple(found) if exposure == "even" or automatic else (np.ones(3),) * len(found)


def still(frames: int, size: tuple[int, int]) -> Alignment:
    """Of frames that are taken as they are."""
    return Alignment((IDENTITY,) * frames, (np.ones(3),) * frames, _whole(size))


def _slight(transform: Transform, size: tuple[int, int]) -> Transform:
    return IDENTITY if transform.displacement(size) < SLIGHT else transform


def _whole(size: tuple[int, int]) -> tuple[slice, slice]:
    return slice(0, size[0]), slice(0, size[1])
