"""Asking a generator for the logits of pictures of any size, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.wrapping import Adapter
from bridgetune.wrapping.large import map_in_pieces, reads_strips
from bridgetune.wrapping.tiles import WHOLE

IN_STRIPS, IN_TILES = 500_000, WHOLE
"""Pixels beyond which a network is asked in strips, where it can do so, and any other one in tiles."""


def asked_logits(
    generator: nn.Module,
    first: NDArray[Any],
    second: NDArray[Any],
    *,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float32]:
    """Mask logits of a source pair of any size: small ones are shown to the network whole, large ones in pieces.

    A network that offers `InStrips` is asked in strips, which changes nothing; any other in tiles that overlap by what
    it sees, which changes nothing but the rounding unless it sees the whole, see `bridgetune.wrapping.tiles`.

    Args:
        generator: See `Generator`; in eval mode.
        first, second: (H, W, 3) uint8 or uint16, both of one type and size.
        progress: Told the share that is done, in [0, 1].

    Returns:
        (H, W), positive where `first` is in focus.
    """
    told = progress or (lambda share: None)
    pixels = first.shape[0] * first.shape[1]
    with torch.inference_mode():
        adapter = generator if isinstance(generator, Adapter) else Adapter(generator, AdapterConfig()).eval()
        if pixels > _most_at_once(adapter):
            logits = map_in_pieces(adapter, first, second, told)
        else:
            logits = _of_the_whole(generator, first, second)
            told(1.0)
        answer: NDArray[np.float32] = logits.cpu().numpy()
    return answer


def _most_at_once(adapter: Adapter) -> float:
    """Pixels up to which a network is shown a pair whole."""
    if adapter.config.side is not None:  # it is shown no more than that in any case
        return math.inf
    return IN_STRIPS if reads_strips(adapter) else IN_TILES


def _of_the_whole(generator: nn.Module, first: NDArray[Any], second: NDArray[Any]) -> torch.Tensor:
    device = device_of(generator)
    pair = (
        torch.from_numpy(image.astype(np.float32) / np.iinfo(image.dtype).max).permute(2, 0, 1)[None].to(device)
        for image in (first, second)
    )
    logits: torch.Tensor = generator(*pair)[0, 0]
    return logits
