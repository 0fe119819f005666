"""How a picture and its mask come to the size that is trained on: resized or cropped, and flipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgetune.config.bounds import LARGEST_SIDE
from bridgetune.errors import RequestError

Fit = Literal["resize", "crop"]
"""How an image comes to a size: `resize`d whole, or `crop`ped at native scale."""


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
        if self.size is not None and not 1 <= self.size <= LARGEST_SIDE:
            raise RequestError(f"size: got {self.size}, expected 1 to {LARGEST_SIDE}")
        if self.fit not in ("resize", "crop"):
            raise RequestError(f"fit: got {self.fit!r}, expected 'resize' or 'crop'")

    def apply(self, layers: Sequence[NDArray[Any]], rng: np.random.Generator) -> list[NDArray[Any]]:
        """Frame layers of one height and width: `scaled`, then `drawn`.

        Args:
            layers: (H, W, 3) uint8 or uint16, resized bilinearly; (H, W) bool, by nearest neighbour.
            rng: The one source of randomness.

        Returns:
            The layers, (size, size) each, in their own dtype.
        """
        return self.drawn(self.scaled(layers), rng)

    def scaled(self, layers: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """What is the same at every draw: the layers at the size that is trained on, or large enough to crop from."""
        if self.size is None:
            return list(layers)
        if self.fit == "resize":
            return [_resize(layer, self.size, self.size) for layer in layers]
        height, width = layers[0].shape[:2]
        scale = max(1.0, self.size / min(height, width))
        height, width = (max(self.size, round(side * scale)) for side in (height, width))
        return [_resize(layer, height, width) for layer in layers]

    def drawn(self, layers: Sequence[NDArray[Any]], rng: np.random.Generator) -> list[NDArray[Any]]:
        """What is drawn anew each time: the place of the crop, and the flips. Mostly views of the layers."""
        framed = list(layers)
        if self.size is not None and self.fit == "crop":
            height, width = framed[0].shape[:2]
            top, left = rng.integers(height - self.size + 1), rng.integers(width - self.size + 1)
            framed = [layer[top : top + self.size, left : left + self.size] for layer in framed]
        if self.flips:
            horizontal, vertical = rng.random(2) < 0.5
            framed = [layer[::-1] if vertical else layer for layer in framed]
            framed = [_mirrored(layer) if horizontal else layer for layer in framed]
        return framed


def _mirrored(layer: NDArray[Any]) -> NDArray[Any]:
    """Left to right; a channel at a time, which is six times as fast as a copy of backward triples."""
    mirrored = np.empty(layer.shape, layer.dtype)
    if layer.ndim == 2:
        mirrored[...] = layer[:, ::-1]
    else:
        for channel in range(layer.shape[2]):
            mirrored[..., channel] = layer[:, ::-1, channel]
    return mirrored


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
