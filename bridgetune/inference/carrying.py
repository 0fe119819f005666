"""What a fused image carries of its sources: metadata, transparency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.pictures import Metadata, Picture

_NAMES = {
    "profile": "colour profile",
    "resolution": "resolution",
    "calibration": "calibration",
}
"""What is the same in pictures of one camera, in words."""

Pixels = NDArray[Any]


def carried(first: Picture, second: Picture) -> Metadata:
    """The metadata of the fused image: each part the first picture's, or the second's where the first has none.

    Of a profile, whether it fits the fused image's gray or colours is left to the writer.
    """
    ours, others = first.metadata, second.metadata
    missing = {part.name: getattr(others, part.name) for part in fields(Metadata) if not getattr(ours, part.name)}
    return replace(ours, **{**missing, "broken": ()})


def disagreements(first: Picture, second: Picture) -> Iterator[str]:
    """Names of what both pictures say of their pixels and do not agree on."""
    for part, name in _NAMES.items():
        one, other = (getattr(picture.metadata, part) for picture in (first, second))
        if one != other and not (part != "profile" and (one is None or other is None)):
            yield name


def fused_alpha(alphas: tuple[Pixels | None, Pixels | None], decision: Pixels | None) -> Pixels | None:
    """(H, W): taken as the pixels are, or the more opaque without a decision; None where both are opaque.

    Args:
        alphas: (H, W) of each source, in one type; None where it is opaque.
        decision: (H, W) in [0, 1], 1 where the first source was taken.
    """
    known = [alpha for alpha in alphas if alpha is not None]
    if not known:
        return None
    opaque = np.full_like(known[0], np.iinfo(known[0].dtype).max)
    first, second = (opaque if alpha is None else alpha for alpha in alphas)
    if decision is None:
        return np.maximum(first, second)
    blended: Pixels = np.rint(first * decision.astype(np.float64) + second * (1 - decision.astype(np.float64)))
    return blended.astype(first.dtype)
