"""What one step works on: a batch, the generator's answer to it and, in stage 2, the four syntheses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor, nn

from bridgetune.synthesis import synthesize
from bridgetune.terms import Domain
from bridgetune.training.samples import Sample

PassT = TypeVar("PassT", bound="ForwardPass")


@dataclass
class ForwardPass:
    """What one step works on: a batch and the generator's answer to it.

    Attributes:
        batch: See `samples.Sample`, with a leading batch axis.
        maps: The generator's logits, (B, 1, S, S), with their graph, and its auxiliary ones, (B, 1, s, s).
    """

    batch: Sample
    maps: list[Tensor]

    @property
    def logits(self) -> Tensor:
        """The map that counts, (B, 1, S, S)."""
        return self.maps[0]

    @classmethod
    def of(cls, generator: nn.Module, batch: Sample) -> ForwardPass:
        """Let the generator answer."""
        return cls(batch, generator(batch["first"], batch["second"]))


@dataclass
class TuningPass(ForwardPass):
    """A forward pass of stage 2: labelled pairs, unlabelled ones, then these in the other order; and the syntheses.

    Attributes:
        map: The logits of `maps`, cut from the generator's graph: where the gradients of the losses arrive.
        sources: First and second images of the pairs, without those in the other order, (B, 3, S, S).
        synthesised: `clear`, s_c1 and s_c2, and `blurred`, s_b1 and s_b2, each (B, 3, S, S); none without references.
        judged: The discriminators' losses that the generator's phase has left for theirs, with their gradients.
        residue: What of an end-to-end network's picture is of neither source, (B, 1, S, S), with its graph; None where
            that was not asked for.
    """

    residue: Tensor | None = None
    map: Tensor = field(init=False)
    sources: tuple[Tensor, Tensor] = field(init=False)
    synthesised: dict[Domain, tuple[Tensor, Tensor]] = field(init=False)
    judged: dict[Domain, Tensor] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.map = self.logits.detach().requires_grad_()
        self.sources = _sources(self.batch)
        self.synthesised = {}
        if "clear" not in self.batch:
            return
        first, second = self.sources
        made = synthesize(first, second, self.map[: len(first)], self.batch["clear"], self.batch["blurred"])
        self.synthesised = {
            "clear": (made.clear_first, made.clear_second),
            "blurred": (made.blurred_first, made.blurred_second),
        }

    @classmethod
    def of(cls, generator: nn.Module, batch: Sample, faithful: bool = False) -> TuningPass:
        """Let the generator answer, to the unlabelled pairs in both orders.

        Args:
            generator, batch: See there.
            faithful: Whether the generator answers with a residue behind the logits, see `Answering`.
        """
        first, second = _sources(batch)
        if "unlabelled_first" in batch:
            swapped = batch["unlabelled_second"], batch["unlabelled_first"]
            first, second = torch.cat([first, swapped[0]]), torch.cat([second, swapped[1]])
        answer = generator(first, second)
        return cls(batch, answer[:-1], answer[-1]) if faithful else cls(batch, answer)

    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """`map` of the labelled pairs, of the unlabelled ones, and of these in the other order; maybe empty."""
        unlabelled = len(self.batch["unlabelled_first"]) if "unlabelled_first" in self.batch else 0
        labelled = len(self.map) - 2 * unlabelled
        known, new, swapped = torch.split(self.map, [labelled, unlabelled, unlabelled])
        return known, new, swapped


def _sources(batch: Sample) -> tuple[Tensor, Tensor]:
    """First and second images, of labelled pairs and then of unlabelled ones."""
    first, second = (
        [batch[name] for name in (which, f"unlabelled_{which}") if name in batch] for which in ("first", "second")
    )
    return (first[0], second[0]) if len(first) == 1 else (torch.cat(first), torch.cat(second))
