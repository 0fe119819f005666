"""Asking a generator for the logits of pictures of any size, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridgetune.devices import device_of
from bridgetune.protocol import InStrips
from bridgetune.wrapping import Adapter
from bridgetune.wrapping.large import map_in_pieces

IN_STRIPS = 2_000_000
"""Pixels beyond which a network that can do so is asked in strips."""


def asked_logits(
    generator: nn.Module,
    first: NDArray[Any],
    second: NDArray[Any],
    *,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float32]:
    """Mask logits of a source pair of any size.

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
        if _takes_strips(generator) and pixels > IN_STRIPS:
            logits = map_in_pieces(generator, first, second, told)
        else:
            logits = _of_the_whole(generator, first, second)
            told(1.0)
        answer: NDArray[np.float32] = logits.cpu().numpy()
    return answer


def _takes_strips(generator: nn.Module) -> TypeGuard[Adapter]:
    return isinstance(generator, Adapter) and isinstance(generator.network, InStrips) and generator.config.local


def _of_the_whole(generator: nn.Module, first: NDArray[Any], second: NDArray[Any]) -> torch.Tensor:
    device = device_of(generator)
    pair = (
        torch.from_numpy(image.astype(np.float32) / np.iinfo(image.dtype).max).permute(2, 0, 1)[None].to(device)
        for image in (first, second)
    )
    logits: torch.Tensor = generator(*pair)[0, 0]
    return logits
