"""Large pairs as a network is shown them: mirrored, reduced or enlarged, and padded, a piece at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.config import AdapterConfig
from bridgetune.wrapping.adapter import padded_side, reflected
from bridgetune.wrapping.scales import ENLARGED, doubled, reduced

Pixels = NDArray[Any]


class View:
    """One mirror image of a pair at one size. Its pieces are, to the bit, those of the whole that the adapter makes.

    Args:
        pictures: (H, W, 3) uint8 or uint16, both the same.
        config: Which padding the network needs.
        axes: That are turned around, of (…, H, W): see `adapter.MIRRORINGS`.
        reduction: See `scales.reduced`; or `scales.ENLARGED`.
        device: Where its pieces go.

    Attributes:
        size: (h, w) of the pair, reduced or enlarged.
        padded: The same with the padding.
    """

    def __init__(
        self,
        pictures: Sequence[Pixels],
        config: AdapterConfig,
        axes: tuple[int, ...] = (),
        reduction: float = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size: tuple[int, ...] = tuple(int(-(-side // reduction)) for side in pictures[0].shape[:2])
        self.padded = tuple(padded_side(side, config.multiple, config.minimum) for side in self.size)
        self._pictures = [np.flip(picture, tuple(2 + axis for axis in axes)) for picture in pictures]
        self._reduction, self._device = reduction, device
        self._places = [reflected(side, padded) for side, padded in zip(self.size, self.padded, strict=True)]

    def piece(self, rows: slice, columns: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """That part of the padded pair, (1, 3, rows, columns) each, float32 in [0, 1]."""
        places = self._places[0][rows], self._places[1][columns]
        first, second = (self._part(picture, *places) for picture in self._pictures)
        return first, second

    def _part(self, picture: Pixels, *places: Tensor) -> Tensor:
        inside = [slice(int(place.min()), int(place.max()) + 1) for place in places]
        part = self._enlarged(picture, inside) if self._reduction == ENLARGED else self._reduced(picture, inside)
        for axis, place, span in zip((-2, -1), places, inside, strict=True):
            if span.stop > int(place[-1]) + 1 or len(place) != span.stop - span.start:
                part = part.index_select(axis, (place - span.start).to(self._device))
        return part

    def _reduced(self, picture: Pixels, spans: Sequence[slice]) -> Tensor:
        by = int(self._reduction)
        part = self._canonical(picture[tuple(slice(by * span.start, by * span.stop) for span in spans)])
        return reduced(part, by) if by > 1 else part

    def _enlarged(self, picture: Pixels, spans: Sequence[slice]) -> Tensor:
        """Cut out of a block that has the neighbours, too, which its pixels lie between."""
        blocks = [slice(max((span.start - 1) // 2, 0), span.stop // 2 + 1) for span in spans]
        part = doubled(self._canonical(picture[tuple(blocks)]))
        for axis, span, block in zip((-2, -1), spans, blocks, strict=True):
            part = part.narrow(axis, span.start - 2 * block.start, span.stop - span.start)
        return part

    def _canonical(self, block: Pixels) -> Tensor:
        """(h, w, 3) -> (1, 3, h, w) float32 in [0, 1]."""
        values = block.astype(np.float32, order="C")
        values /= np.iinfo(block.dtype).max
        return torch.from_numpy(values).permute(2, 0, 1)[None].to(self._device)
