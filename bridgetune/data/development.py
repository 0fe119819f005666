"""Pairs as cameras store them: breathing, exposure, noise and JPEG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

STILL = (0.0, 0.0, 0.0)


class Development(NamedTuple):
    """What a camera makes of the two images of a pair, (2, 3) and (2, 3, H, W).

    Attributes:
        gain, offset: On each channel of each image, about the middle of the scale.
        noise: Added.
        qualities: Of the JPEG files; 0 for none.
        motion: By how much the second image is larger than the first, less 1, and where its middle lies from the
            first's, across and down, as shares of half a side; either image moves by half of it.
    """

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    noise: NDArray[np.float32]
    qualities: tuple[int, int]
    motion: tuple[float, float, float] = STILL


def nothing_developed() -> Development:
    """A camera that changes nothing, for the effects to start from."""
    still = np.zeros((2, 3), np.float32)
    return Development(still + 1, still, np.zeros((2, 1, 1, 1), np.float32), (0, 0))


def developed(images: tuple[Tensor, Tensor], developments: Sequence[Development | None]) -> tuple[Tensor, Tensor]:
    """Two batches (B, 3, H, W) in [0, 1] as cameras would have stored them, in [0, 1]."""
    both = torch.stack(images, dim=1)
    for pair, development in zip(both, developments, strict=True):
        if development is None:
            continue
        if development.motion != STILL:
            pair.copy_(_moved(pair, development.motion))
        gain, offset, noise = (torch.from_numpy(array).to(pair) for array in development[:3])
        pair.sub_(0.5).mul_(gain[..., None, None]).add_(0.5 + offset[..., None, None]).add_(noise).clamp_(0, 1)
        for image, quality in zip(pair, development.qualities, strict=True):
            if quality:
                image.copy_(_through_jpeg(image, quality))
    return both[:, 0], both[:, 1]


def _moved(pair: Tensor, motion: tuple[float, float, float]) -> Tensor:
    growth, across, down = motion
    halves = [[[1 - half * growth, 0, -half * across], [0, 1 - half * growth, -half * down]] for half in (-0.5, 0.5)]
    grid = affine_grid(torch.tensor(halves).to(pair), list(pair.shape), align_corners=False)
    return grid_sample(pair, grid, "bicubic", "reflection", align_corners=False).clamp(0, 1)


def _through_jpeg(image: Tensor, quality: int) -> Tensor:
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy(force=True)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).to(image) / 255
