"""The unrelated reference pictures of Eq. 1-4: completely clear ones, and completely blurred ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from bridgetune.data.cache import PixelCache
from bridgetune.data.folders import Verify
from bridgetune.data.framed import FramedScenes
from bridgetune.data.framing import Fit, Framing
from bridgetune.errors import RequestError
from bridgetune.paths import are_same
from bridgetune.pictures._samples import Pixels
from bridgetune.pictures.images import to_batch


class ReferenceSource(Protocol):
    """Where training takes references of one kind from."""

    def sample(self, rng: np.random.Generator) -> Tensor:
        """(3, H, W) float32 in [0, 1], a function of the state of `rng` alone."""
        ...


class ReferencePool:
    """Pictures to draw from at random.

    Args:
        folder: Folder of images.
        size: Height and width of what is drawn.
        fit: How images come to that size, see `Framing`.
        flips: Whether to flip at random, in both directions.
        verify: Whether to read every file whole on construction or only its header.
        cache: Where decoded pictures are kept; None for one of its own.

    Attributes:
        skipped: The files left out.

    Raises:
        RequestError: A missing folder, nothing usable, or an argument out of range.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        size: int,
        fit: Fit = "resize",
        flips: bool = True,
        verify: Verify = "decode",
        cache: PixelCache | None = None,
    ) -> None:
        self._folder = Path(folder)
        self._framing = Framing(size, fit, flips)
        self._scenes = FramedScenes([Path(folder)], [], self._framing, verify, cache)
        self.skipped = self._scenes.skipped

    def __len__(self) -> int:
        return len(self._scenes)

    def __repr__(self) -> str:
        return f"ReferencePool({str(self._folder)!r}, {len(self)} pictures, {self._framing})"

    def sample(self, rng: np.random.Generator) -> Tensor:
        """A picture, each equally likely: (3, size, size) float32 in [0, 1]."""
        return self.develop([self.draw(rng)], torch.device("cpu"))[0]

    def draw(self, rng: np.random.Generator) -> Pixels:
        """The pixels of a picture, decoded and framed, (size, size, 3)."""
        (pixels,) = self._scenes.draw(int(rng.integers(len(self._scenes))), rng)
        return pixels

    def develop(self, drawn: Sequence[Pixels], device: torch.device) -> Tensor:
        """What was drawn as images, (B, 3, size, size) float32 in [0, 1]."""
        return to_batch(drawn, device)


@dataclass(frozen=True)
class References:
    """The clear pictures Ic and the blurred pictures Ib that the discriminators learn from."""

    clear: ReferenceSource
    blurred: ReferenceSource

    @classmethod
    def from_folders(
        cls,
        clear: str | os.PathLike[str],
        blurred: str | os.PathLike[str],
        size: int,
        fit: Fit = "resize",
        flips: bool = True,
        verify: Verify = "decode",
        cache: PixelCache | None = None,
    ) -> Self:
        """Pools of two folders, with the arguments and errors of `ReferencePool`.

        Raises:
            RequestError: Both are one folder.
        """
        if are_same(Path(clear), Path(blurred)):
            raise RequestError(
                f"references: the clear and the blurred ones are one folder, {clear}; expected pictures that are in"
                " focus everywhere in one, and nowhere in the other"
            )
        return cls(*(ReferencePool(folder, size, fit, flips, verify, cache) for folder in (clear, blurred)))
