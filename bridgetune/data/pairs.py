"""Multi-focus pairs with their focus masks: what training takes, and pairs that are synthesised on the fly."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.config import NO_AUGMENTATION, Augmentation
from bridgetune.data.blur import check_kernel_sizes, gaussian_blur
from bridgetune.data.cache import PixelCache
from bridgetune.data.defocus import defocused, in_focus
from bridgetune.data.development import developed
from bridgetune.data.effects import Chance, affected, draw_chance
from bridgetune.data.folders import Verify
from bridgetune.data.framed import FramedScenes
from bridgetune.data.framing import Fit, Framing
from bridgetune.data.scenes import changed_scenes
from bridgetune.errors import RequestError
from bridgetune.pictures._samples import Pixels
from bridgetune.pictures.images import to_batch, to_tensor


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
        """A pair of scene `index`, a function of the index and the state of `rng` alone; from several threads."""
        ...


class DrawingSource(PairSource, Protocol):
    """A source that parts a sample in two: files and chance, which threads see to, and arithmetic on a whole batch."""

    def draw(self, index: int, rng: np.random.Generator) -> Any:
        """What `develop` makes a pair of scene `index` from; without arithmetic, and from several threads at a time."""
        ...

    def develop(self, drawn: Sequence[Any], device: torch.device) -> Pair:
        """What was drawn as a batch of pairs, (B, …) on the device; of one, it is what `sample` gives."""
        ...


def draws(source: object) -> bool:
    """Whether a source parts its samples in two, and no subclass samples otherwise than it draws."""
    for kind in type(source).__mro__:
        own = vars(kind).keys()
        if own & {"draw", "develop", "sample"}:
            return bool(own & {"draw", "develop"})
    return False


def alone(source: DrawingSource, index: int, rng: np.random.Generator) -> Pair:
    """A sample by way of a batch of one."""
    batch = source.develop([source.draw(index, rng)], torch.device("cpu"))
    return Pair(*(images[0] for images in batch))


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


def composed(images: Tensor, masks: Tensor, chances: Sequence[Chance]) -> Pair:
    """A batch of pairs, (B, …), of sharp images and masks of an object in each.

    Args:
        images: (B, 3, H, W) float in [0, 1].
        masks: (B, 1, H, W) in {0, 1}. Of ones: one image of the pair is sharp, and the other blurred whole.
        chances: What was drawn for each; the scenes have been changed.
    """
    blurs = [chance.blur for chance in chances]
    both, masks = defocused(images, masks, blurs), in_focus(masks, blurs)
    both = developed(both, [chance.development for chance in chances])
    first, second = affected(both, [chance.applied for chance in chances])
    turned = torch.tensor([chance.exchange for chance in chances], device=images.device)[:, None, None, None]
    return Pair(
        torch.where(turned, second, first),
        torch.where(turned, first, second),
        torch.where(turned, 1 - masks, masks),
    )


class SyntheticPairs:
    """Pairs made afresh at every draw from sharp images and masks of an object in each, as in the paper.

    Args:
        images: Folder of sharp images.
        masks: Folder of masks of the same stems and sizes, white where the first of the pair is in focus.
        size: Height and width of the pairs; None for each image's own, `fit` is then of no effect.
        fit: How images come to that size, before they are blurred; see `Framing`.
        flips: Whether to flip at random, in both directions.
        kernel_sizes: The smallest and the largest blur kernel, both odd.
        augmentation: How the pairs go beyond the paper's; by default they do not.
        verify: Whether to read every file whole on construction or only its header.
        cache: Where decoded pictures are kept; None for one of its own.

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
        augmentation: Augmentation = NO_AUGMENTATION,
        verify: Verify = "decode",
        cache: PixelCache | None = None,
    ) -> None:
        check_kernel_sizes(*kernel_sizes)
        self.kernel_sizes, self.augmentation = kernel_sizes, augmentation
        self._folders = str(images), str(masks)
        self._framing = Framing(size, fit, flips)
        self._scenes = FramedScenes([Path(images)], [Path(masks)], self._framing, verify, cache)
        self.stems, self.skipped = self._scenes.stems, self._scenes.skipped

    def __len__(self) -> int:
        return len(self._scenes)

    def __repr__(self) -> str:
        images, masks = self._folders
        changed = self.augmentation != NO_AUGMENTATION
        return (
            f"SyntheticPairs({images!r}, {masks!r}, {len(self)} scenes, {self._framing},"
            f" kernel_sizes={self.kernel_sizes}{f', {self.augmentation!r}' if changed else ''})"
        )

    def unaugmented(self) -> Self:
        """The same scenes, from the same cache, as the paper makes pairs of them."""
        plain = copy.copy(self)
        plain.augmentation = NO_AUGMENTATION
        return plain

    def scene(self, index: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The sharp image (3, H, W) and its mask (1, H, W), framed. The first half of a `sample`."""
        pixels, inside = self._scenes.draw(index, rng)
        return to_tensor(pixels), to_tensor(inside)

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """A pair of scene `index` with a blur of its own."""
        return alone(self, index, rng)

    def draw(self, index: int, rng: np.random.Generator) -> SyntheticDrawing:
        """What `develop` makes a pair of scene `index` from."""
        pixels, inside = self._scenes.draw(index, rng)
        height, width = inside.shape
        chance = draw_chance(self.augmentation, self.kernel_sizes, (height, width), rng)
        return SyntheticDrawing(pixels, inside, chance)

    def develop(self, drawn: Sequence[SyntheticDrawing], device: torch.device) -> Pair:
        """Blur, compose and develop a batch of pairs."""
        pixels, inside, chances = zip(*drawn, strict=True)
        scenes = to_batch(pixels, device), to_batch(inside, device)
        return composed(*changed_scenes(*scenes, [chance.scene for chance in chances]), chances)


class SyntheticDrawing(NamedTuple):
    """What is drawn for one pair of `SyntheticPairs`, before any arithmetic."""

    pixels: Pixels
    """The sharp image, (H, W, 3)."""
    inside: NDArray[np.bool_]
    """Its mask, (H, W)."""
    chance: Chance
    """All else that was drawn."""


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

    def draw(self, index: int, rng: np.random.Generator) -> Any:
        """The source's drawing of scene `indices[index]`; its sample, where it draws none."""
        drawer = self.source.draw if draws(self.source) else self.source.sample  # type: ignore[attr-defined]
        return drawer(self.indices[index], rng)

    def develop(self, drawn: Sequence[Any], device: torch.device) -> Pair:
        """What the source drew as a batch of pairs."""
        if isinstance(drawn[0], Pair):
            return Pair(*(torch.stack(images).to(device) for images in zip(*drawn, strict=True)))
        batch: Pair = self.source.develop(drawn, device)  # type: ignore[attr-defined]
        return batch


def split(source: PairSource, share: float, seed: int, most: int) -> tuple[PairSubset, PairSubset]:
    """Part a source at random into training and validation, which share no scene.

    Args:
        source: At least two scenes.
        share: Of validation, between 0 and 1; at least one scene is left on either side.
        seed: Equal seeds part a source of equal length alike.
        most: The largest number of validation scenes, whatever the share.

    Returns:
        The scenes to train on, and those to validate on. The latter are without augmentation, so that what is measured
        on them does not depend on how is trained.

    Raises:
        RequestError: Fewer than two scenes, or `share` or `most` out of range.
    """
    if len(source) < 2:
        raise RequestError(f"source: got {len(source)} scene, expected at least 2 to set one apart; add images")
    if not 0 < share < 1 or most < 1:
        raise RequestError(f"split: got share={share}, most={most}, expected 0 < share < 1 and most >= 1")
    count = min(most, max(1, round(share * len(source))), len(source) - 1)
    order = [int(index) for index in np.random.default_rng(seed).permutation(len(source))]
    return PairSubset(source, sorted(order[count:])), PairSubset(_unaugmented(source), sorted(order[:count]))


def _unaugmented(source: PairSource) -> PairSource:
    if isinstance(source, PairSubset):
        return PairSubset(_unaugmented(source.source), source.indices)
    return source.unaugmented() if isinstance(source, SyntheticPairs) else source
