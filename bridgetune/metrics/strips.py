"""Large pictures, in strips of rows: so that what is made of a picture on the way to a score takes bounded memory.

A filter sees some rows beyond those that count: a strip has them as its margin, but at the picture's own edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

WHOLE = 1 << 20
"""Up to so many pixels a picture is looked at whole, and all that is seen in it is kept."""

STRIP = 1 << 18
"""Pixels of a strip, its margin apart."""


class Strip(NamedTuple):
    """Rows of a picture."""

    rows: slice
    """Those that count, in the picture."""
    seen: slice
    """The same with the margin."""
    inner: slice
    """Those that count, in what is seen."""


def is_large(height: int, width: int) -> bool:
    """Whether a picture is looked at in strips."""
    return height * width > WHOLE


def strips(height: int, width: int, above: int = 0, below: int = 0) -> Iterator[Strip]:
    """A picture's rows from top to bottom, each once.

    Args:
        height, width: Of the picture.
        above, below: Rows that a strip sees beside its own.
    """
    count = max(STRIP // width, 1)
    for top in range(0, height, count):
        bottom = min(top + count, height)
        start, stop = max(top - above, 0), min(bottom + below, height)
        yield Strip(slice(top, bottom), slice(start, stop), slice(top - start, bottom - start))


def totals(found: Iterable[Sequence[Tensor]]) -> list[Tensor]:
    """What strips come to, one at least, summed place by place."""
    sums: list[Tensor] = []
    for each in found:
        sums = list(map(torch.add, sums, each)) if sums else list(each)
    return sums
