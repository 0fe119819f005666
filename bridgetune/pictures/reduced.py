"""Frames made smaller as they are read: what a quick look is fused from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridgetune.pictures._samples import Pixels
from bridgetune.pictures.frames import Frames, FramesOfFrames, UnreadableFrameError
from bridgetune.pictures.images import Picture


class ReducedFrames(FramesOfFrames):
    """Frames in 8 bits, reduced by a whole factor so that the longest side of any has at most so many pixels.

    Args:
        frames: At their own size.
        side: Pixels; frames that are no larger stay as large as they are.
    """

    def __init__(self, frames: Frames, side: int) -> None:
        super().__init__(frames)
        longest = max(_longest_side(frames, index) for index in range(len(frames)))
        self.factor = max(-(-longest // side), 1)
        """By which each side is divided."""

    def size(self, index: int) -> tuple[int, int]:
        """See `Frames`."""
        height, width = self._frames.size(index)
        return max(height // self.factor, 1), max(width // self.factor, 1)

    def read(self, index: int) -> Picture:
        """See `Frames`; without what it carries but for its colour profile."""
        picture = self._frames.read(index)
        alpha = None if picture.alpha is None else reduced(picture.alpha, self.factor)
        kept = replace(picture.metadata, exif=None, xmp=None, resolution=None, calibration=None)
        return replace(picture, pixels=reduced(picture.pixels, self.factor), alpha=alpha, metadata=kept)


def _longest_side(frames: Frames, index: int) -> int:
    """0 of one that cannot be read."""
    try:
        return max(frames.size(index))
    except UnreadableFrameError:
        return 0


def reduced(pixels: Pixels, factor: int) -> Pixels:
    """(H, W, …) uint8 or uint16 -> (H // factor, W // factor, …) uint8: means of blocks; what is over is cut off."""
    height, width = (max(side // factor, 1) for side in pixels.shape[:2])
    down, across = (min(factor, side) for side in pixels.shape[:2])
    kept = pixels[: height * down, : width * across]
    blocks = kept.reshape(height, down, width, across, *pixels.shape[2:])
    full = np.iinfo(pixels.dtype).max
    means = blocks.mean(axis=(1, 3), dtype=np.float32)
    found: Pixels = np.rint(means * np.float32(255 / full)).astype(np.uint8)
    return found
