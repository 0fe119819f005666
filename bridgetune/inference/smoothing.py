"""What papers do to a map behind the network: small regions dropped, seams softened along the pictures' edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bridgetune import plugins
from bridgetune.errors import RequestError
from bridgetune.inference.mapless import refuse_map
from bridgetune.pictures.color import LUMA
from bridgetune.targets import resolve
from bridgetune.wrapping import Adapter

Smoothing = Literal["small-regions", "guided", "paper"]
"""`small-regions`, see `without_small_regions`; `guided`, see `guided`; both at their defaults, which are those of the
CNN of 2017. `paper`, what the network's own paper does, where its plugin brings it."""

SMALLEST = 0.01
"""Share of the picture's pixels below which a region is a small one."""

RADIUS, EPSILON = 8, 0.1
"""Of the guided filter: pixels from the middle of a window to its edge, and the variance of the guide, in [0, 1], from
which on a window counts as one with an edge in it."""

Map = NDArray[Any]
Pixels = NDArray[np.uint8 | np.uint16]
Smoother = Callable[[Map, Pixels, Pixels], Map]


def check_smoothing(method: object, recipe: str, steps: Sequence[Smoothing]) -> None:
    """Refuse steps that a method has not, or that do not go together.

    Args:
        method: A generator or an evaluator; None where saved results are read.
        recipe: How it fuses.
        steps: What is to be done to its map; nothing is refused where there are none.

    Raises:
        RequestError: There is no map of full size; `paper` of a generator whose plugin brings no such thing, or beside
            other steps; a step twice.
    """
    if not steps:
        return
    refuse_map(method, "smooth")
    if not isinstance(method, nn.Module) or recipe != "paper":
        raise RequestError("smooth: is for the maps of a generator, by the recipe paper; leave it out")
    if len(set(steps)) < len(steps):
        raise RequestError(f"smooth: got {', '.join(steps)}, expected each step once")
    if "paper" in steps:
        if len(steps) > 1:
            raise RequestError("smooth: paper is all that the network's paper does; leave the other steps out")
        smoother_of(method)


def smoother_of(generator: nn.Module) -> Smoother:
    """What the paper of a plugin's network does to its map, see `GeneratorSpec.smoothing`.

    Raises:
        RequestError: The plugin brings no such thing.
    """
    name = generator.origin.generator if isinstance(generator, Adapter) else ""
    target = plugins.registry().find(name)[1].smoothing if name else None
    if target is None:
        which = name or "a network of one's own"
        raise RequestError(
            f"smooth: nothing is known of what the paper of {which} does to its map; expected small-regions or guided"
        )
    smoother: Smoother = resolve(target)
    return smoother


def smoothed(logits: Map, first: Pixels, second: Pixels, steps: Sequence[Smoothing], generator: nn.Module) -> Map:
    """What each pixel of the first source counts for, (H, W).

    Args:
        logits: (H, W), positive where `first` is in focus.
        first, second: (H, W, 3) of one type.
        steps: In this order; see `check_smoothing`.
        generator: Whose paper is meant by `paper`.

    Returns:
        Of `small-regions` alone 0 or 1; in general about [0, 1], which a guided filter may leave.
    """
    if "paper" in steps:
        return smoother_of(generator)(logits, first, second)
    share = (logits >= 0).astype(np.float64)
    for step in steps:
        share = without_small_regions(share >= 0.5) if step == "small-regions" else guided(share, first, second)
    return share


def without_small_regions(decision: Map, smallest: float = SMALLEST) -> Map:
    """First without small regions of the first source, then without such of the second: (H, W) of 0 and 1.

    Args:
        decision: (H, W), true where the first source is taken.
        smallest: The share of the pixels from which on a region stays, its pixels joined by sides or corners.
    """
    large = without_islands(decision, smallest)
    return 1.0 - without_islands(1 - large, smallest)


def without_islands(decision: Map, smallest: float, connectivity: Literal[4, 8] = 8) -> Map:
    """Connected regions of ones that are smaller than a share of all pixels become 0; (H, W) of 0 and 1.

    Args:
        decision: (H, W), true or 1 where it is one.
        smallest: The share of the pixels from which on a region stays.
        connectivity: 4, of pixels that share a side; 8, or a corner.
    """
    import cv2

    ones = np.ascontiguousarray(decision, dtype=np.uint8)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(ones, connectivity=connectivity)
    stays = facts[:, cv2.CC_STAT_AREA] >= smallest * ones.size
    stays[0] = False  # all that is no one
    large: Map = stays[labels].astype(np.float64)
    return large


def guided(share: Map, first: Pixels, second: Pixels, radius: int = RADIUS, epsilon: float = EPSILON) -> Map:
    """A map filtered along the edges of what it fuses (He, Sun & Tang, IEEE TPAMI 35, 2013): (H, W) -> (H, W).

    Args:
        share: (H, W), what the first source counts for.
        first, second: (H, W, 3) of one type.
        radius, epsilon: See `RADIUS`.
    """
    full = np.iinfo(first.dtype).max
    gray = [image.astype(np.float64) @ np.array(LUMA) / full for image in (first, second)]
    guide = gray[0] * share + gray[1] * (1 - share)
    middle, level = box_mean(guide, radius), box_mean(share, radius)
    slope = (box_mean(guide * share, radius) - middle * level) / (
        np.maximum(box_mean(guide * guide, radius) - middle**2, 0) + epsilon
    )
    filtered: Map = box_mean(slope, radius) * guide + box_mean(level - slope * middle, radius)
    return filtered


def box_mean(values: Map, radius: int) -> Map:
    """The mean of the square window around each pixel, as much of it as is in the picture: (H, W) float64."""
    import cv2

    def total(summed: Map) -> Map:
        side = 2 * radius + 1
        sums: Map = cv2.boxFilter(summed, cv2.CV_64F, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
        return sums

    return total(values.astype(np.float64)) / total(np.ones(values.shape))


def blended(first: Pixels, second: Pixels, share: Map) -> Pixels:
    """Both sources by what the first counts for, rounded and kept within their levels: (H, W, 3)."""
    mixed = second + share[..., None] * (first.astype(np.float64) - second)
    levels: Pixels = np.clip(np.rint(mixed), 0, np.iinfo(first.dtype).max).astype(first.dtype)
    return levels
