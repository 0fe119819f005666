"""Inference as the authors' released program has it: a map of 256×256, enlarged, and a truncated blend.

Rounding decides here, so every step keeps its float32 order: the inputs come to 256×256 by Pillow's bilinear
filter, the binary map goes back by a separable bilinear without antialiasing (pixel centres aligned, as OpenCV
has it), so that its edges blend, and the blend is cut, not rounded, to whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from bridgetune.devices import device_of
from bridgetune.inference.deciding import Undecided, undecided_share

SIDE = 256


def fuse_released(
    generator: nn.Module,
    first: NDArray[Any],
    second: NDArray[Any],
    undecided: Undecided = "keep",
    progress: Callable[[float], None] | None = None,
) -> tuple[NDArray[Any], NDArray[np.float32], float]:
    """The fused image and the map that was blended with, (H, W, 3) and (H, W), and the share that was undecided.

    Args:
        generator: See `Generator`.
        first, second: (H, W, 3) uint8 or uint16, both the same.
        undecided: Changes nothing: the program keeps the network's own decisions.
        progress: Told nothing: it takes no time.
    """
    device = device_of(generator)
    with torch.inference_mode():
        small = (_at_network_size(image).to(device) for image in (first, second))
        logits = generator(*small)[0, 0].cpu().numpy()
    decision = resize_bilinear((logits >= 0).astype(np.float32), *first.shape[:2])
    share = decision[..., None]
    full = np.float32(np.iinfo(first.dtype).max)
    blended = (first / full * share + second / full * (1 - share)) * full
    return blended.astype(first.dtype), decision, undecided_share(logits)


def resize_bilinear(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bilinear, separable, without antialiasing, bit for bit as OpenCV's: (h, w) -> (height, width)."""
    return _along_rows(_along_rows(image, width).T, height).T


def _along_rows(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    length = image.shape[1]
    position = (np.arange(side) + 0.5) * (length / side) - 0.5
    left = np.floor(position).astype(np.int64)
    share = (position - left).astype(np.float32)
    share[(left < 0) | (left >= length - 1)] = 0
    left = left.clip(0, length - 1)
    right = (left + 1).clip(max=length - 1)
    # left + share·(right - left), rounded once: a fused multiply-add
    step = (image[:, right] - image[:, left]).astype(np.float64)
    resized: NDArray[np.float32] = (image[:, left] + step * share).astype(np.float32)
    return resized


def _at_network_size(image: NDArray[Any]) -> Tensor:
    """(H, W, 3) -> (1, 3, 256, 256) in [0, 1], by Pillow's bilinear on 8 bits."""
    eight = image if image.dtype == np.uint8 else (image // 257).astype(np.uint8)
    resized = Image.fromarray(eight).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(resized, dtype=np.float32) / 255).permute(2, 0, 1)[None]
