"""A network on a large picture in tiles that overlap, each decided by what lies well within it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bridgetune.wrapping.adapter import Adapter, padded_side
from bridgetune.wrapping.field import reach_of
from bridgetune.wrapping.views import View

logger = logging.getLogger("bridgetune")

TILE = 1024
"""Pixels of the side of a tile, or three times its overlap with the next where that is more."""

WHOLE = 4_194_304
"""Pixels of a view up to which it is one tile."""

BAND = 32
"""Pixels over which one tile's logits fade into the next one's."""

OF_ALL = 128
"""Pixels around a tile that are shown and cut off where the network's field is the whole picture."""


@dataclass(frozen=True)
class Tiling:
    """Tiles along one side of a picture.

    Attributes:
        side: Of a tile, in pixels.
        starts: Of each tile; their distances, and what two tiles share, are as even as the network's strides allow.
        band: Pixels around the middle of what two tiles share over which they are blended.
    """

    side: int
    starts: tuple[int, ...]
    band: int

    def weights(self, place: int) -> Tensor:
        """What a tile's logits count for, (side,): those of all tiles add up to 1 in each pixel."""
        pixels = torch.arange(self.side) + self.starts[place] + 0.5
        weights = torch.ones(self.side)
        if place > 0:
            weights *= self._risen(pixels, place)
        if place < len(self.starts) - 1:
            weights *= 1 - self._risen(pixels, place + 1)
        return weights

    def _risen(self, pixels: Tensor, place: int) -> Tensor:
        """From 0 to 1 across the band between a tile and the one before."""
        middle = (self.starts[place] + self.starts[place - 1] + self.side) / 2
        return ((pixels - middle) / self.band + 0.5).clamp(0, 1)


def tiled(length: int, side: int, margin: int, multiple: int, band: int) -> Tiling:
    """Tiles that cover a side of a picture, as few as there can be.

    Args:
        length: Of the picture, a multiple of `multiple`.
        side: Of a tile, likewise.
        margin: Pixels at each inner end of a tile that do not count, at least.
        multiple: What each start divides by.
        band: See `Tiling`.
    """
    shared = padded_side(2 * margin + band, multiple)
    if length <= side:
        return Tiling(length, (0,), band)
    number = -(-(length - shared) // (side - shared))
    starts = tuple((length - side) * place // (number - 1) // multiple * multiple for place in range(number))
    return Tiling(side, starts, band)


def map_in_tiles(adapter: Adapter, view: View, progress: Callable[[float], None]) -> Tensor:
    """What the adapter's network says of a view, (1, 1, h, w), in both orders where that is asked.

    Tiles overlap by twice the network's field, so that each pixel is decided by a tile that shows all that the network
    would see of the whole. Where the field is the whole picture, nothing smaller is the same, and a line says so.
    """
    height, width = view.padded
    config = adapter.config
    if height * width <= WHOLE:
        answer = adapter.of_both_orders(*view.piece(slice(height)))
        progress(1.0)
        return adapter.cropped(answer, view.size)
    margin = _margin(adapter, height * width)
    shared = 2 * margin + BAND
    side = padded_side(max(TILE, 3 * shared), config.multiple, config.minimum)
    down, across = (tiled(length, side, margin, config.multiple, BAND) for length in (height, width))
    first, _ = view.piece(slice(1), slice(1))
    map_ = torch.zeros(1, 1, height, width, device=first.device)
    for row, top in enumerate(down.starts):
        for column, left in enumerate(across.starts):
            rows, columns = slice(top, top + down.side), slice(left, left + across.side)
            answer = adapter.of_both_orders(*view.piece(rows, columns))
            answer *= (down.weights(row)[:, None] * across.weights(column)).to(answer.device)
            map_[..., rows, columns] += answer
            progress((row * len(across.starts) + column + 1) / (len(down.starts) * len(across.starts)))
    return adapter.cropped(map_, view.size)


def _margin(adapter: Adapter, pixels: int) -> int:
    if adapter.config.overlap:
        return adapter.config.overlap
    reach = reach_of(adapter)
    if reach is not None:
        return reach
    if "told" not in adapter.measured:
        adapter.measured["told"] = None
        logger.warning(
            "%s: what it says of a pixel depends on the whole picture, and %.0f megapixels are too many to be shown at"
            " once: it is asked in tiles with %d pixels around each, and the map is not quite that of the whole; reduce"
            " the pictures, or set overlap= of AdapterConfig",
            type(adapter.network).__name__,
            pixels / 1e6,
            OF_ALL,
        )
    return OF_ALL
