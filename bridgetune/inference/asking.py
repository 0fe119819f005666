"""Asking a generator for the logits of pictures of any size, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.wrapping import Adapter
from bridgetune.wrapping.large import map_in_pieces, reads_strips
from bridgetune.wrapping.tiles import WHOLE
from bridgetune.wrapping.together import asked_together

IN_STRIPS, IN_TILES = 500_000, WHOLE
"""Pixels, enlarged where they are so shown, beyond which a network is asked in strips, where it can do so, and any
other one in tiles."""

TOGETHER = 2 * WHOLE
"""Pixels of all of a stack's frames up to which a network that takes any number of images is shown them at once."""


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
        if pixels * (4 if adapter.config.enlarged else 1) > _most_at_once(adapter):
            logits = map_in_pieces(adapter, first, second, told)
        else:
            logits = _of_the_whole(generator, first, second)
            told(1.0)
        answer: NDArray[np.float32] = logits.cpu().numpy()
    return answer


def fits_together(generator: nn.Module, frames: int, size: Sequence[int]) -> TypeGuard[Adapter]:
    """Whether a network takes any number of images, and so many frames of (height, width) at once, see `TOGETHER`."""
    takes_any = isinstance(generator, Adapter) and generator.config.together
    return takes_any and frames * size[0] * size[1] <= TOGETHER


def asked_of_all(generator: Adapter, frames: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """What a network that takes any number of images says of each of a stack's frames, shown all of them at once.

    Args:
        generator: In eval mode, one that `fits_together` says takes them.
        frames: (H, W, 3) uint8 or uint16 each, all of one type and size, two or more.

    Returns:
        (N, H, W) logits, of which the differences count.
    """
    with torch.inference_mode():
        answer: NDArray[np.float32] = asked_together(generator, _canonical(generator, frames))[0].cpu().numpy()
    return answer


def _most_at_once(adapter: Adapter) -> float:
    """Pixels up to which a network is shown a pair whole."""
    if adapter.config.side is not None:  # it is shown no more than that in any case
        return math.inf
    return IN_STRIPS if reads_strips(adapter) else IN_TILES


def _of_the_whole(generator: nn.Module, first: NDArray[Any], second: NDArray[Any]) -> torch.Tensor:
    logits: torch.Tensor = generator(*_canonical(generator, (first, second)))[0, 0]
    return logits


def _canonical(generator: nn.Module, images: Sequence[NDArray[Any]]) -> list[torch.Tensor]:
    """(H, W, 3) each -> (1, 3, H, W) float32 in [0, 1]."""
    device = device_of(generator)
    return [
        torch.from_numpy(image.astype(np.float32) / np.iinfo(image.dtype).max).permute(2, 0, 1)[None].to(device)
        for image in images
    ]
