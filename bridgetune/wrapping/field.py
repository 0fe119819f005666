"""How far a network sees: which of its input what it says of a pixel depends on, measured."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bridgetune.devices import device_of
from bridgetune.wrapping.adapter import Adapter, padded_side

SIDES = (128, 256, 512)
"""Pixels of the sides of the pictures that are tried, one after the other, until the field lies within one."""

FELT = 1e-6
"""The least change that counts, relative to the largest logit: what is below does not show in a map."""


def reach_of(adapter: Adapter) -> int | None:
    """By how many pixels a network's field reaches beyond a pixel, measured once for each network.

    A square in the middle of a picture of noise is changed, and it is seen how far from there the map changes. First
    to NaN, which spreads wherever there is a connection, whatever its weight; where this reaches the sides, as NaN
    does through sums over a picture that are taken apart again, to other values.

    Args:
        adapter: In eval mode; asked at most nine times, about pictures of up to 512×512.

    Returns:
        Pixels, 0 for a network that looks at each alone; None where the field reaches the sides of the largest
        picture: what such a network says of a pixel depends on the whole.
    """
    if "reach" not in adapter.measured:
        with torch.inference_mode():
            adapter.measured["reach"] = next((reach for reach in _reaches(adapter) if reach is not None), None)
    return adapter.measured["reach"]


def _reaches(adapter: Adapter) -> Iterator[int | None]:
    """Of each size in turn: None where the sides are reached."""
    square = adapter.config.multiple
    for side in SIDES:
        side = padded_side(max(side, 3 * square), square, adapter.config.minimum)
        random = torch.Generator().manual_seed(side)
        pair = torch.rand(2, 1, 3, side, side, generator=random).to(device_of(adapter))
        first = side // 2 // square * square
        before = adapter.of_both_orders(*pair)
        for change in (torch.full_like(pair, torch.nan), 1 - pair):
            changed = pair.clone()
            place = (..., slice(first, first + square), slice(first, first + square))
            changed[place] = change[place]
            yield _spread(before, adapter.of_both_orders(*changed), slice(first, first + square))


def _spread(before: Tensor, after: Tensor, square: slice) -> int | None:
    """How far from the square two maps differ; None where they do at a side, or not at all in the square."""
    differ = ~((after - before).abs() <= FELT * before.abs().max())[0, 0]
    if not differ[square, square].any():
        return None
    rows, columns = (differ.any(axis).nonzero()[[0, -1], 0].tolist() for axis in (1, 0))
    if min(rows[0], columns[0]) == 0 or max(rows[1], columns[1]) == len(differ) - 1:
        return None
    before_it, behind_it = square.start - min(rows[0], columns[0]), max(rows[1], columns[1]) + 1 - square.stop
    return int(max(0, before_it, behind_it))
