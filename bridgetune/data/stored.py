"""Multi-focus pairs that are there already, with their masks or without."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.data.cache import PixelCache
from bridgetune.data.folders import Verify, collect
from bridgetune.data.framed import FramedScenes
from bridgetune.data.framing import Fit, Framing
from bridgetune.data.pairs import Pair, alone
from bridgetune.files import check_made
from bridgetune.pictures.images import to_batch


class _StoredPairs:
    """What pairs with masks and pairs without have in common: folders of `root` whose files match by stem and size."""

    _mask_folders: tuple[str, ...] = ()

    def __init__(
        self,
        root: str | os.PathLike[str],
        size: int | None = 256,
        fit: Fit = "resize",
        flips: bool = True,
        verify: Verify = "decode",
        cache: PixelCache | None = None,
    ) -> None:
        self._root = root = check_made(Path(root))
        self._framing = Framing(size, fit, flips)
        masks = [root / name for name in self._mask_folders]
        self._scenes = FramedScenes([root / "A", root / "B"], masks, self._framing, verify, cache)
        self.stems, self.skipped = self._scenes.stems, self._scenes.skipped

    def __len__(self) -> int:
        return len(self._scenes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._root)!r}, {len(self)} pairs, {self._framing})"

    def draw(self, index: int, rng: np.random.Generator) -> list[NDArray[Any]]:
        """The framed pixels of pair `index`: both images, (H, W, 3), and the mask, (H, W), where there is one."""
        return self._scenes.draw(index, rng)


class FolderPairs(_StoredPairs):
    """Pairs that are there already, with their masks, in the folders A, B and mask of `root`.

    Args:
        root: Folder of A, B and mask, whose files match by stem and size.
        size, fit, flips, verify, cache: As in `SyntheticPairs`.

    Attributes:
        stems: The name of each pair.
        skipped: The files left out.

    Raises:
        RequestError: A missing folder, nothing usable, or an argument out of range.
    """

    _mask_folders = ("mask",)

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """Pair `index`, framed."""
        return alone(self, index, rng)

    def develop(self, drawn: Sequence[list[NDArray[Any]]], device: torch.device) -> Pair:
        """What was drawn as a batch of pairs."""
        return Pair(*(to_batch(layers, device) for layers in zip(*drawn, strict=True)))


class UnlabelledPair(NamedTuple):
    """A multi-focus pair whose true map nobody knows."""

    first: Tensor
    """(3, H, W) float32 in [0, 1]."""
    second: Tensor
    """(3, H, W) float32 in [0, 1]."""


class UnlabelledPairs(_StoredPairs):
    """Pairs without masks, of a microscope, say, in the folders A and B of `root`.

    Args, attributes and errors are those of `FolderPairs`.
    """

    def sample(self, index: int, rng: np.random.Generator) -> UnlabelledPair:
        """Pair `index`, framed."""
        batch = self.develop([self.draw(index, rng)], torch.device("cpu"))
        return UnlabelledPair(*(images[0] for images in batch))

    def develop(self, drawn: Sequence[list[NDArray[Any]]], device: torch.device) -> UnlabelledPair:
        """What was drawn as a batch of pairs."""
        return UnlabelledPair(*(to_batch(layers, device) for layers in zip(*drawn, strict=True)))


class SourceFiles(NamedTuple):
    """The two files of a pair without ground truth."""

    stem: str
    first: Path
    second: Path


def sources_of(folder: str | os.PathLike[str], verify: Verify = "header") -> list[SourceFiles]:
    """The pairs in the folders A and B of `folder`, by stem, in natural order.

    Args:
        folder: Holds `A/` and `B/`.
        verify: Whether to read every file whole or only its header.

    Raises:
        RequestError: A missing folder, or no pair of one size.
    """
    folder = check_made(Path(folder))
    files = collect([folder / "A", folder / "B"], verify=verify).groups
    return [SourceFiles(first.stem, first, second) for first, second in files]
