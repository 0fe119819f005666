"""Source pairs with known masks, made of noise that has the spectrum of photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bridgetune.data import Pair, multi_focus_pair
from bridgetune.wrapping.known_pair import KERNEL, texture


@dataclass(frozen=True)
class KnownPairs:
    """A `PairSource` of `count` pairs; by turns the left half and the middle is in focus in the first image.

    Attributes:
        height, width: Of the images, at least 4.
        count: How many there are.
    """

    height: int
    width: int
    count: int = 2

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        """Pair `index`, the same each time."""
        mask = torch.zeros(1, self.height, self.width)
        if index % 2 == 0:
            mask[..., : self.width // 2] = 1
        else:
            top, left = self.height // 4, self.width // 4
            mask[:, top:-top, left:-left] = 1
        picture = texture(max(self.height, self.width), seed=index)[0, :, : self.height, : self.width]
        return multi_focus_pair(picture, mask, KERNEL)


def source_pairs(batch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Multi-focus pairs, two (batch, 3, height, width) in [0, 1]."""
    known, rng = KnownPairs(height, width, batch), np.random.default_rng(0)
    first, second, _ = zip(*(known.sample(index, rng) for index in range(batch)), strict=True)
    return torch.stack(first), torch.stack(second)


def overexposed_pairs(batch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The same with a white lower right quarter, in which every deviation is exactly 0."""
    pair = source_pairs(batch, height, width)
    for image in pair:
        image[..., height // 2 :, width // 2 :] = 1
    return pair
