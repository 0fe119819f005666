"""How a picture and its mask come to the size that is trained on: resized or cropped, and flipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgetune.errors import RequestError

Fit = Literal["resize", "crop"]


@dataclass(frozen=True)
class Framing:
    """One draw of size, place and flips, applied to every layer of a scene alike.

    Attributes:
        size: Height and width that come out; None keeps the picture's own, and `fit` is of no effect.
        fit: `resize` both sides to `size`, whatever the aspect ratio, as the paper does; `crop` a random
            square at native scale, out of a picture that is first enlarged where a side is too short.
        flips: Whether to flip left to right and top to bottom, each with probability 1/2.
    """

    size: int | None
    fit: Fit
    flips: bool

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise RequestError(f"size: got {self.size}, expected at least 1")
        if self.fit not in ("resize", "crop"):
            raise RequestError(f"fit: got {self.fit!r}, expected 'resize' or 'crop'")

    def apply(self, layers: Sequence[NDArray[Any]], rng: np.random.Generator) -> list[NDArray[Any]]:
        """Frame layers of one height and width.

        Args:
            layers: (H, W, 3) uint8 or uint16, resized bilinearly; (H, W) bool, by nearest neighbour.
            rng: The one source of randomness.

        Returns:
            The layers, (size, size) each, in their own dtype.
        """
        framed = list(layers)
        if self.size is not None and self.fit == "resize":
            framed = [_resize(layer, self.size, self.size) for layer in framed]
        elif self.size is not None:
            framed = _crop(framed, self.size, rng)
        if self.flips:
            horizontal, vertical = rng.random(2) < 0.5
            framed = [layer[:: -1 if vertical else 1, :: -1 if horizontal else 1] for layer in framed]
        return framed


def _crop(layers: list[NDArray[Any]], size: int, rng: np.random.Generator) -> list[NDArray[Any]]:
    height, width = layers[0].shape[:2]
    scale = max(1.0, size / min(height, width))
    height, width = max(size, round(height * scale)), max(size, round(width * scale))
    top, left = rng.integers(height - size + 1), rng.integers(width - size + 1)
    return [_resize(layer, height, width)[top : top + size, left : left + size] for layer in layers]


def _resize(layer: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    if layer.shape[:2] == (height, width):
        return layer
    if layer.dtype == np.bool_:
        return np.asarray(Image.fromarray(layer).resize((width, height), Image.Resampling.NEAREST))
    if layer.dtype == np.uint8:
        return np.asarray(Image.fromarray(layer).resize((width, height), Image.Resampling.BILINEAR))
    # Pillow resizes more than 8 bits as one float channel at a time.
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
        for plane in np.moveaxis(layer, -1, 0).astype(np.float32)
    ]
    resized: NDArray[np.uint16] = np.rint(np.stack(planes, axis=-1)).astype(np.uint16)
    return resized
