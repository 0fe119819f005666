"""The unrelated reference pictures of Eq. 1-4: completely clear ones, and completely blurred ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from torch import Tensor

from bridgetune.data.folders import Verify, collect
from bridgetune.data.framing import Fit, Framing
from bridgetune.data.images import read_image, to_tensor


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
    ) -> None:
        self._folder = Path(folder)
        self._framing = Framing(size, fit, flips)
        files, self.skipped = collect([Path(folder)], verify=verify)
        self._files = [path for (path,) in files]

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"ReferencePool({str(self._folder)!r}, {len(self)} pictures, {self._framing})"

    def sample(self, rng: np.random.Generator) -> Tensor:
        """A picture, each equally likely: (3, size, size) float32 in [0, 1]."""
        path = self._files[rng.integers(len(self._files))]
        (pixels,) = self._framing.apply([read_image(path).pixels], rng)
        return to_tensor(pixels)


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
    ) -> Self:
        """Pools of two folders, with the arguments and errors of `ReferencePool`."""
        return cls(ReferencePool(clear, size, fit, flips, verify), ReferencePool(blurred, size, fit, flips, verify))
