"""Large pairs as a network is shown them: mirrored, reduced and padded, a piece at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.config import AdapterConfig
from bridgetune.wrapping.adapter import padded_side, reflected
from bridgetune.wrapping.scales import reduced

Pixels = NDArray[Any]


class View:
    """One mirror image of a pair at one size. Its pieces are, to the bit, those of the whole that the adapter makes.

    Args:
        pictures: (H, W, 3) uint8 or uint16, both the same.
        config: Which padding the network needs.
        axes: That are turned around, of (…, H, W): see `adapter.MIRRORINGS`.
        reduction: See `scales.reduced`.
        device: Where its pieces go.

    Attributes:
        size: (h, w) of the pair, reduced.
        padded: The same with the padding.
    """

    def __init__(
        self,
        pictures: Sequence[Pixels],
        config: AdapterConfig,
        axes: tuple[int, ...] = (),
        reduction: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size: tuple[int, ...] = tuple(-(-side // reduction) for side in pictures[0].shape[:2])
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
        by = self._reduction
        inside = [slice(int(place.min()), int(place.max()) + 1) for place in places]
        block = picture[tuple(slice(by * span.start, by * span.stop) for span in inside)]
        values = block.astype(np.float32, order="C")
        values /= np.iinfo(picture.dtype).max
        part = torch.from_numpy(values).permute(2, 0, 1)[None].to(self._device)
        if by > 1:
            part = reduced(part, by)
        for axis, place, span in zip((-2, -1), places, inside, strict=True):
            if span.stop > int(place[-1]) + 1 or len(place) != span.stop - span.start:
                part = part.index_select(axis, (place - span.start).to(self._device))
        return part
