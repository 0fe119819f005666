"""Multi-focus pairs with their focus masks: synthesised on the fly, or read from folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from bridgetune.data.blur import check_kernel_sizes, gaussian_blur, random_kernel_size
from bridgetune.data.folders import Verify, collect
from bridgetune.data.framing import Fit, Framing
from bridgetune.data.images import read_image, read_mask_pixels, to_tensor
from bridgetune.errors import RequestError


class Pair(NamedTuple):
    """A multi-focus pair and its ground truth."""

    first: Tensor
    """(3, H, W) float32 in [0, 1]."""
    second: Tensor
    """(3, H, W) float32 in [0, 1]."""
    mask: Tensor
    """(1, H, W) float32 in {0, 1}: 1 where `first` is in focus."""


class PairSource(Protocol):
    """Where training takes its pairs from."""

    def __len__(self) -> int:
        """How many scenes there are."""
        ...

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """A pair of scene `index`, a function of the index and the state of `rng` alone."""
        ...


def multi_focus_pair(image: Tensor, mask: Tensor, kernel_size: int) -> Pair:
    """A = m·I + (1-m)·blur(I) and B = (1-m)·I + m·blur(I), Section 4.1 of the paper.

    Args:
        image: I, all in focus, (3, H, W) float in [0, 1].
        mask: m, (1, H, W) in {0, 1}.
        kernel_size: Of the Gaussian blur, odd.
    """
    # In NumPy for the reason that gaussian_blur gives.
    sharp, m = image.numpy(force=True), mask.numpy(force=True)
    blurred = gaussian_blur(image, kernel_size).numpy()
    first, second = m * sharp + (1 - m) * blurred, (1 - m) * sharp + m * blurred
    return Pair(torch.from_numpy(first), torch.from_numpy(second), mask)


def all_in_focus(pair: Pair) -> Tensor:
    """m·A + (1-m)·B, (3, H, W): for a pair from `multi_focus_pair` the image that it was made of, exactly."""
    return pair.mask * pair.first + (1 - pair.mask) * pair.second


class SyntheticPairs:
    """Pairs made afresh at every draw from sharp images and masks of an object in each, as in the paper.

    Args:
        images: Folder of sharp images.
        masks: Folder of masks of the same stems and sizes, white where the first of the pair is in focus.
        size: Height and width of the pairs; None for each image's own, `fit` is then of no effect.
        fit: How images come to that size, before they are blurred; see `Framing`.
        flips: Whether to flip at random, in both directions.
        kernel_sizes: The smallest and the largest blur kernel, both odd.
        verify: Whether to read every file whole on construction or only its header.

    Attributes:
        stems: The name of each scene.
        skipped: The files left out.

    Raises:
        RequestError: A missing folder, nothing usable, or an argument out of range.
    """

    def __init__(
        self,
        images: str | os.PathLike[str],
        masks: str | os.PathLike[str],
        size: int | None = 256,
        fit: Fit = "resize",
        flips: bool = True,
        kernel_sizes: tuple[int, int] = (3, 21),
        verify: Verify = "decode",
    ) -> None:
        check_kernel_sizes(*kernel_sizes)
        self.kernel_sizes = kernel_sizes
        self._folders = str(images), str(masks)
        self._framing = Framing(size, fit, flips)
        self._files, self.skipped = collect([Path(images)], [Path(masks)], verify=verify)
        self.stems = [image.stem for image, _ in self._files]

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        images, masks = self._folders
        return (
            f"SyntheticPairs({images!r}, {masks!r}, {len(self)} scenes, {self._framing},"
            f" kernel_sizes={self.kernel_sizes})"
        )

    def scene(self, index: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The sharp image (3, H, W) and its mask (1, H, W), framed. The first half of a `sample`."""
        image, mask = self._files[index]
        pixels, inside = self._framing.apply([read_image(image).pixels, read_mask_pixels(mask)], rng)
        return to_tensor(pixels), to_tensor(inside)

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """A pair of scene `index` with a kernel size of its own."""
        image, mask = self.scene(index, rng)
        return multi_focus_pair(image, mask, random_kernel_size(rng, *self.kernel_sizes))


class FolderPairs:
    """Pairs that are there already, with their masks, in the folders A, B and mask of `root`.

    Args:
        root: Folder of A, B and mask, whose files match by stem and size.
        size, fit, flips, verify: As in `SyntheticPairs`.

    Attributes:
        stems: The name of each pair.
        skipped: The files left out.

    Raises:
        RequestError: A missing folder, nothing usable, or an argument out of range.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        size: int | None = 256,
        fit: Fit = "resize",
        flips: bool = True,
        verify: Verify = "decode",
    ) -> None:
        self._root = root = Path(root)
        self._framing = Framing(size, fit, flips)
        self._files, self.skipped = collect([root / "A", root / "B"], [root / "mask"], verify=verify)
        self.stems = [first.stem for first, _, _ in self._files]

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"FolderPairs({str(self._root)!r}, {len(self)} pairs, {self._framing})"

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """Pair `index`, framed."""
        first, second, mask = self._files[index]
        layers = [read_image(first).pixels, read_image(second).pixels, read_mask_pixels(mask)]
        return Pair(*map(to_tensor, self._framing.apply(layers, rng)))


@dataclass(frozen=True)
class PairSubset:
    """Some scenes of a source: scene i of the subset is scene `indices[i]` of `source`."""

    source: PairSource
    indices: Sequence[int]

    def __len__(self) -> int:
        return len(self.indices)

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """The source's sample of scene `indices[index]`."""
        return self.source.sample(self.indices[index], rng)


def split(source: PairSource, share: float, seed: int, most: int) -> tuple[PairSubset, PairSubset]:
    """Part a source at random into training and validation, which share no scene.

    Args:
        source: At least two scenes.
        share: Of validation, between 0 and 1; at least one scene is left on either side.
        seed: Equal seeds part a source of equal length alike.
        most: The largest number of validation scenes, whatever the share.

    Raises:
        RequestError: Fewer than two scenes, or `share` or `most` out of range.
    """
    if len(source) < 2:
        raise RequestError(f"source: got {len(source)} scene, expected at least 2 to set one apart; add images")
    if not 0 < share < 1 or most < 1:
        raise RequestError(f"split: got share={share}, most={most}, expected 0 < share < 1 and most >= 1")
    count = min(most, max(1, round(share * len(source))), len(source) - 1)
    order = [int(index) for index in np.random.default_rng(seed).permutation(len(source))]
    return PairSubset(source, sorted(order[count:])), PairSubset(source, sorted(order[:count]))


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
    folder = Path(folder)
    files = collect([folder / "A", folder / "B"], verify=verify).groups
    return [SourceFiles(first.stem, first, second) for first, second in files]
