"""Fusing without a decision map, by an evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.errors import RequestError
from bridgetune.protocol import Evaluator


def fuse_without_map(evaluator: Evaluator, first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """The fused image, (H, W, 3), rounded to its sources' levels.

    Args:
        evaluator: See there.
        first, second: (H, W, 3) uint8 or uint16, both the same.
    """
    with torch.no_grad() if evaluator.optimises else torch.inference_mode():
        fused = evaluator(_canonical(first), _canonical(second))[0].permute(1, 2, 0).double().cpu().numpy()
    levels: NDArray[Any] = (fused * np.iinfo(first.dtype).max).round().astype(first.dtype)
    return levels


def refuse_map(method: object, what: str) -> None:
    """Raise `RequestError` where something that only a map allows is asked of an evaluator.

    Args:
        method: A generator or an evaluator.
        what: That was asked, as it is to be named.
    """
    if isinstance(method, Evaluator):
        raise RequestError(
            f"{what}: {method.name} is an evaluator, which draws no decision map; leave it out, or choose a generator"
        )


def _canonical(pixels: NDArray[Any]) -> Tensor:
    """(H, W, 3) -> (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / np.iinfo(pixels.dtype).max).permute(2, 0, 1)[None]
