"""Multi-focus pairs and references made of scikit-image's photographs, with no download.

One photograph brings its own depth: the motorcycle is the left image of a stereo pair (Middlebury 2014) whose
measured disparity says what is near, so its focus boundary is a true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from bridgetune.data import (
    Pair,
    References,
    gaussian_blur,
    multi_focus_pair,
    random_kernel_size,
    to_pixels,
    to_tensor,
)
from bridgetune.errors import RequestError

TRAINING = (
    *("astronaut", "coffee", "retina", "immunohistochemistry", "hubble_deep_field"),
    *("camera", "coins", "brick", "grass", "gravel", "moon"),
)
"""Photographs to train on; none of them is among the held-out ones."""

LONGEST_SIDE = 640
"""In pixels; larger photographs are shrunk."""

BLURRED_KERNELS = (15, 31)
"""Smallest and largest Gaussian kernel of a completely blurred reference."""


@dataclass(frozen=True)
class DemoPairs:
    """Pairs cropped from photographs, in focus on one side of a random smooth outline.

    Attributes:
        photographs: (3, H, W) in [0, 1] each.
        size: Side of a pair.
        draws: How many pairs count as one epoch.
        kernel_sizes: Of the Gaussian blur.
    """

    photographs: Sequence[Tensor]
    size: int
    draws: int
    kernel_sizes: tuple[int, int] = (3, 21)

    def __len__(self) -> int:
        return self.draws

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """A pair, a function of the index and the state of `rng` alone."""
        image = random_crop(self.photographs[index % len(self.photographs)], self.size, rng)
        mask = random_outline(self.size, self.size, rng)
        return multi_focus_pair(image, mask, random_kernel_size(rng, *self.kernel_sizes))

    def __repr__(self) -> str:
        return f"DemoPairs({len(self.photographs)} photographs, size={self.size}, draws={self.draws})"


@dataclass(frozen=True)
class DemoPool:
    """References cropped from photographs; blurred all over where `kernel_sizes` are given."""

    photographs: Sequence[Tensor]
    size: int
    kernel_sizes: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"DemoPool({len(self.photographs)} photographs, size={self.size}, kernel_sizes={self.kernel_sizes})"

    def sample(self, rng: np.random.Generator) -> Tensor:
        """(3, size, size) in [0, 1]."""
        crop = random_crop(self.photographs[int(rng.integers(len(self.photographs)))], self.size, rng)
        return crop if self.kernel_sizes is None else gaussian_blur(crop, random_kernel_size(rng, *self.kernel_sizes))


def training_pairs(size: int, draws: int = 256, kernel_sizes: tuple[int, int] = (3, 21)) -> DemoPairs:
    """Pairs from the `TRAINING` photographs; see `DemoPairs`."""
    return DemoPairs(photographs(TRAINING), size, draws, kernel_sizes)


def references(size: int) -> References:
    """Completely clear and completely blurred crops of the `TRAINING` photographs."""
    pictures = photographs(TRAINING)
    return References(DemoPool(pictures, size), DemoPool(pictures, size, BLURRED_KERNELS))


class HeldOut:
    """Whole pictures that are not trained on: the motorcycle parted by its measured depth, others by an outline.

    A `PairSource` whose pairs are always the same ones, each of its own size.

    Args:
        longest_side: In pixels; larger pictures are shrunk before they are blurred.

    Attributes:
        named: What a pair shows -> the pair.
    """

    def __init__(self, longest_side: int = LONGEST_SIDE) -> None:
        motorcycle, disparity = _motorcycle()
        rocket, cat = photographs(["rocket", "chelsea"])
        scenes = [
            ("motorcycle, near half", motorcycle, _nearer_than(disparity, 0.5), 13),
            ("motorcycle, nearest quarter", motorcycle, _nearer_than(disparity, 0.75), 7),
            ("rocket", rocket, _outline_for(rocket, seed=1), 9),
            ("cat", cat, _outline_for(cat, seed=4), 11),
        ]
        self.named: dict[str, Pair] = {}
        for name, image, mask, kernel in scenes:
            scale = min(1.0, longest_side / max(image.shape[-2:]))
            small_mask = (_scaled(mask, scale) >= 0.5).float()
            pair = multi_focus_pair(_scaled(image, scale), small_mask, kernel)
            # as an 8-bit file holds them, so that fusing the files gives the same
            first, second = (to_tensor(to_pixels(source)) for source in (pair.first, pair.second))
            self.named[f"{name}, kernel {kernel}"] = Pair(first, second, pair.mask)
        self._pairs = list(self.named.values())

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"HeldOut({', '.join(self.named)})"

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """Pair `index`."""
        return self._pairs[index]


def photographs(names: Sequence[str]) -> list[Tensor]:
    """scikit-image's photographs as (3, H, W) in [0, 1], no side longer than `LONGEST_SIDE`.

    Raises:
        RequestError: Where scikit-image is not installed.
    """
    data = _skimage_data()
    pictures = [to_tensor(_rgb(getattr(data, name)())) for name in names]
    return [_scaled(picture, min(1.0, LONGEST_SIDE / max(picture.shape[-2:]))) for picture in pictures]


def random_crop(image: Tensor, size: int, rng: np.random.Generator) -> Tensor:
    """A square of (3, H, W), of any extent from `size` up to the whole short side, shrunk to `size` and turned."""
    image = _scaled(image, max(1.0, size / min(image.shape[-2:])))
    extent = round(size * (min(image.shape[-2:]) / size) ** rng.random())
    top, left = (int(rng.integers(side - extent + 1)) for side in image.shape[-2:])
    crop = _scaled(image[:, top : top + extent, left : left + extent], size / extent)
    return torch.rot90(crop, int(rng.integers(4)), (1, 2)).contiguous()


def random_outline(height: int, width: int, rng: np.random.Generator) -> Tensor:
    """A mask (1, H, W) in {0, 1}: smooth noise cut at a random level, so that either side may be small."""
    cells = int(rng.integers(2, 6))
    coarse = torch.from_numpy(rng.standard_normal((1, 1, cells + 1, cells + 1)).astype(np.float32))
    smooth = interpolate(coarse, (height, width), mode="bicubic", align_corners=True)[0]
    level = torch.quantile(smooth.flatten()[:: max(1, smooth.numel() // 4096)], float(rng.uniform(0.25, 0.75)))
    return (smooth >= level).float()


def _outline_for(image: Tensor, seed: int) -> Tensor:
    height, width = image.shape[-2:]
    return random_outline(height, width, np.random.default_rng(seed))


def _motorcycle() -> tuple[Tensor, NDArray[np.float32]]:
    """The picture (3, H, W) and its disparity (H, W), larger is nearer; unmeasured pixels take their nearest's."""
    from scipy.ndimage import distance_transform_edt

    left, _, disparity = _skimage_data().stereo_motorcycle()
    unknown = ~np.isfinite(disparity)
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    return to_tensor(left), disparity[tuple(nearest)]


def _nearer_than(disparity: NDArray[np.float32], quantile: float) -> Tensor:
    return torch.from_numpy(disparity >= np.quantile(disparity, quantile)).float()[None]


def _scaled(image: Tensor, scale: float) -> Tensor:
    """(3, H, W) resized, each side rounded."""
    if scale == 1:
        return image
    sides = [round(side * scale) for side in image.shape[-2:]]
    return interpolate(image[None], sides, mode="bilinear", antialias=True)[0].clamp(0, 1)


def _rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _skimage_data() -> Any:
    try:
        from skimage import data
    except ImportError:
        raise RequestError(
            "the demo's photographs: scikit-image is not installed; pip install 'bridgetune[demo]'"
        ) from None
    return data
