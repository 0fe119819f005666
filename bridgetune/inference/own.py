"""Fusing as an end-to-end network does itself: its own picture, and beside it the map that is read off that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridgetune.devices import device_of
from bridgetune.errors import RequestError
from bridgetune.inference.deciding import Undecided, undecided_share
from bridgetune.wrapping import Adapter


def fuse_own(
    generator: nn.Module,
    first: NDArray[Any],
    second: NDArray[Any],
    undecided: Undecided = "keep",
    progress: Callable[[float], None] | None = None,
) -> tuple[NDArray[Any], NDArray[np.float32], float]:
    """The network's own picture, the map read off it, and the share that this is undecided on; shown whole.

    Args:
        generator: An end-to-end network, see `AdapterConfig.output`.
        first, second: (H, W, 3) uint8 or uint16, both the same.
        undecided: Changes nothing: no map decides.
        progress: Told nothing on the way.

    Raises:
        RequestError: The network answers with a map, and fuses nothing itself.
    """
    if not isinstance(generator, Adapter) or generator.config.output != "fused":
        raise RequestError(
            "recipe own: the network draws a map, and fuses no picture itself; expected an end-to-end one, or leave it"
            " out"
        )
    device, full = device_of(generator), np.iinfo(first.dtype).max
    with torch.inference_mode():
        pair = [_canonical(image, full).to(device) for image in (first, second)]
        picture = generator.fused(*pair)[0].permute(1, 2, 0).double().cpu().numpy()
        logits = generator(*pair)[0, 0].cpu().numpy()
    return (picture * full).round().astype(first.dtype), (logits >= 0).astype(np.float32), undecided_share(logits)


def _canonical(image: NDArray[Any], full: int) -> Tensor:
    """(H, W, 3) -> (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(image.astype(np.float32) / full).permute(2, 0, 1)[None]
