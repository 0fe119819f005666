"""Pairs as cameras store them: exposure, noise and JPEG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


class Development(NamedTuple):
    """What a camera makes of the two images of a pair, (2, 3) and (2, 3, H, W).

    Attributes:
        gain, offset: On each channel of each image, about the middle of the scale.
        noise: Added.
        qualities: Of the JPEG files; 0 for none.
    """

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    noise: NDArray[np.float32]
    qualities: tuple[int, int]


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
        gain, offset, noise = (torch.from_numpy(array).to(pair) for array in development[:3])
        pair.sub_(0.5).mul_(gain[..., None, None]).add_(0.5 + offset[..., None, None]).add_(noise).clamp_(0, 1)
        for image, quality in zip(pair, development.qualities, strict=True):
            if quality:
                image.copy_(_through_jpeg(image, quality))
    return both[:, 0], both[:, 1]


def _through_jpeg(image: Tensor, quality: int) -> Tensor:
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy(force=True)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).to(image) / 255
