"""One picture of a pair laid upon the other, and brought to its light, before they are fused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgetune.errors import RequestError
from bridgetune.inference.agreement import agreement_of
from bridgetune.inference.scenes import gray_one, small
from bridgetune.pictures import Alignment, Picture, Registration, Transform, common_area, evened, register, warped
from bridgetune.pictures.transforms import IDENTITY

Edges = Literal["crop", "keep"]
"""What becomes of places that the first of two pictures shows alone: `crop`, they are cut off; `keep`, they are its."""

LEAST = 0.005
"""Share by which brightness must differ to be told of."""


class UnregisteredError(RequestError):
    """Two pictures have too little in common to be laid upon each other."""


@dataclass(frozen=True, eq=False)
class Aligned:
    """A pair that goes together.

    Attributes:
        first, second: Of one size.
        unshown: (H, W), true where the second shows nothing and has the first's pixels; None where there is no such
            place.
        line: What was found and done, to be told of the second.
        transform: From places of the first, as it was given, to those of the second.
        area: Of the first, as it was given, (rows, columns), that both show now.
    """

    first: Picture
    second: Picture
    unshown: NDArray[np.bool_] | None
    line: str
    transform: Transform
    area: tuple[slice, slice]


def aligned_pair(
    first: Picture,
    second: Picture,
    align: Alignment = "auto",
    exposure: bool = False,
    edges: Edges = "crop",
    names: tuple[str, str] = ("the first picture", "the second picture"),
) -> Aligned:
    """The second picture as the first shows the scene: interpolated once, and evened after.

    Args:
        first, second: Of the same or of different sizes and depths.
        align: See `Alignment`; `none` asks for one size.
        exposure: Whether each channel's brightness is evened; all by one gain where one picture is gray and the other
            in colour, which would be tinted.
        edges: See `Edges`.
        names: How they are called.

    Raises:
        UnregisteredError: They have too little in common.
        RequestError: They have a size each where nothing is aligned.
    """
    if align == "none" and first.size != second.size:
        raise RequestError(
            f"a source pair must have one size: {names[0]} is {first.size[1]}×{first.size[0]}, {names[1]} is"
            f" {second.size[1]}×{second.size[0]}; align them (--align auto)"
        )
    found = register(first.pixels, second.pixels, align)
    if found is None:
        raise UnregisteredError(
            f"{names[1]}: cannot be registered with {names[0]}: got pictures with too little in common, expected two of"
            f" one scene{'; leave out --align and --exposure to fuse them as they are' * (first.size == second.size)}"
        )
    if gray_one(small(first.pixels), small(second.pixels)) is not None:
        found = replace(found, gains=np.full(3, np.exp(np.log(found.gains).mean())))
    line = _told(found, first.size, align, exposure, names)
    size, whole = second.size, (slice(0, first.size[0]), slice(0, first.size[1]))
    moved, shown = warped(second.pixels, found.transform, first.size)
    alpha = None if second.alpha is None else warped(second.alpha, found.transform, first.size)[0]
    second = replace(second, pixels=evened(moved, found.gains) if exposure else moved, alpha=alpha)
    if shown.all():
        return Aligned(first, second, None, line, found.transform, whole)
    if edges == "crop":
        rows, columns = common_area([IDENTITY, found.transform], [first.size, size])
        line += f"; cropped to {columns.stop - columns.start}×{rows.stop - rows.start} pixels"
        cut = _cut(first, rows, columns), _cut(second, rows, columns)
        return Aligned(*cut, None, line, found.transform, (rows, columns))
    return Aligned(first, _filled(second, first, ~shown), ~shown, line, found.transform, whole)


def _told(found: Registration, size: tuple[int, int], align: Alignment, exposure: bool, names: tuple[str, str]) -> str:
    """What the second picture differed by, and what was done."""
    agreement = agreement_of(found, size)
    place = [] if found.transform.is_identity else [*agreement.found()]
    if not found.transform.is_identity and not place:
        place = [f"{agreement.displacement:.1f} px displaced"]
    if found.model in ("affine", "homography"):
        place.append("sheared" if found.model == "affine" else "seen in another perspective")
    light = [words for words in agreement.light() if abs(agreement.exposure - 1) >= LEAST or "in " in words]
    told = [*place, *(light if exposure else [])]
    done = ["aligned"] * bool(place) + ["evened"] * (exposure and bool(light))
    if not told:
        asked = " and ".join(["place"] * (align != "none") + ["brightness"] * exposure)
        return f"compared with {names[0]} the scene has the same {asked}; left as it is"
    return f"compared with {names[0]} the scene is {', '.join(told)}; {' and '.join(done)}"


def _cut(picture: Picture, rows: slice, columns: slice) -> Picture:
    alpha = None if picture.alpha is None else picture.alpha[rows, columns]
    return replace(picture, pixels=np.ascontiguousarray(picture.pixels[rows, columns]), alpha=alpha)


def _filled(picture: Picture, other: Picture, unshown: NDArray[np.bool_]) -> Picture:
    """The picture with the other's pixels and transparency where it shows nothing."""
    kind = picture.pixels.dtype
    pixels = np.where(unshown[..., None], _as(other.pixels, kind), picture.pixels)
    if picture.alpha is None:
        return replace(picture, pixels=pixels)
    beside = np.iinfo(kind).max if other.alpha is None else _as(other.alpha, kind)
    return replace(picture, pixels=pixels, alpha=np.where(unshown, beside, picture.alpha).astype(kind))


def _as(samples: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """In 8 or 16 bits, by their scales."""
    if samples.dtype == kind:
        return samples
    return samples.astype(kind) * 257 if kind.itemsize == 2 else (samples // 257).astype(kind)
