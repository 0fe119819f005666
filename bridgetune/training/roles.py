"""The networks as training calls them: the one that answers with maps, and those that judge images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bridgetune.training.memory import in_parts
from bridgetune.wrapping import Adapter, has_batch_norm


class Answering(nn.Module):
    """A generator as training calls it, (first, second) -> [logits, auxiliary logits, …], a micro-batch at a time.

    Args:
        generator: See there.
        auxiliary: Whether the coarser maps are asked for, too.
        micro_batch: Pairs that it sees at a time; 0 for all.
        faithful: Whether the residue of its picture is asked for, behind the logits: see `Adapter.residue`.
    """

    def __init__(self, generator: Adapter, auxiliary: bool, micro_batch: int = 0, faithful: bool = False) -> None:
        super().__init__()
        self.generator = generator
        self.auxiliary = auxiliary
        self.micro_batch = micro_batch
        self.faithful = faithful

    def forward(self, first: Tensor, second: Tensor) -> list[Tensor]:
        return in_parts(self._answer, self.micro_batch, first, second)

    def _answer(self, first: Tensor, second: Tensor) -> list[Tensor]:
        maps = self.generator.maps(first, second) if self.auxiliary else [self.generator(first, second)]
        return [*maps, self.generator.residue(first, second)] if self.faithful else maps


class Judging(nn.Module):
    """A discriminator as training calls it: batches of images -> scores of each, all in one pass.

    Where the discriminator has BatchNorm, each batch has a pass of its own, for its own statistics.

    Args:
        discriminator: See `Discriminator`.
        micro_batch: Images that it sees at a time; 0 for all.
    """

    def __init__(self, discriminator: nn.Module, micro_batch: int = 0) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.micro_batch = micro_batch
        self.apart = has_batch_norm(discriminator)

    def forward(self, *batches: Tensor) -> list[Tensor]:
        if self.apart:
            return [self._scores(images) for images in batches]
        return list(torch.split(self._scores(torch.cat(batches)), [len(images) for images in batches]))

    def _scores(self, images: Tensor) -> Tensor:
        return in_parts(lambda part: [self.discriminator(part)], self.micro_batch, images)[0]
