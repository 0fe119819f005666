"""Which way stage 2 pushes the map where the truth is known: to the right side, or to the wrong one.

The adversarial loss is to teach a generator what its labels do not. Whether it does shows on held-out pairs, pixel by
pixel: a step against its gradient at the map raises a logit or lowers it, and that is right or wrong.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor, nn

from bridgetune.data import Pair, PairSource, PairSubset, References, all_in_focus
from bridgetune.losses import adversarial_loss
from bridgetune.metrics import HOMOGENEOUS
from bridgetune.metrics.maps import seam
from bridgetune.modes import evaluating
from bridgetune.runs.directory import Record
from bridgetune.terms import PUSHES, Domain
from bridgetune.training.forward import TuningPass
from bridgetune.training.labels import Labels
from bridgetune.training.samples import validation_pairs, validation_references

logger = logging.getLogger("bridgetune")

MOST = 16
"""Held-out pairs that are looked at, the first ones."""

COIN = (0.45, 0.55)
"""Between these shares a push says nothing of the side that is right."""


@dataclass(frozen=True)
class Push:
    """What pushes the logits of a map up, towards the first image, or down.

    Attributes:
        name: What it is, for people.
        way: Of a pass, each logit's, (B, 1, H, W): its sign is the way it is pushed; 0 where it is left alone.
        at_first: What is to be said of it before the first step.
    """

    name: str
    way: Callable[[TuningPass], Tensor]
    at_first: str = ""


def towards_references(
    forward: TuningPass,
    discriminators: Mapping[Domain, nn.Module],
    form: Literal["non-saturating", "saturating"],
) -> Tensor:
    """Against the gradient of L_GAN at the map, of discriminators in eval mode; their modes are restored."""
    with ExitStack() as around:
        for discriminator in discriminators.values():
            around.enter_context(evaluating(discriminator))
        scores = [
            discriminator(image)
            for domain, discriminator in discriminators.items()
            for image in forward.synthesised[domain]
        ]
        (gradient,) = torch.autograd.grad(adversarial_loss(scores, form), [forward.map])
    return -gradient


def towards_labels(forward: TuningPass, labels: Labels) -> Tensor:
    """Up where the label is the first image, down where it is the second."""
    first, second = forward.sources
    return 2 * labels(first, second, forward.map) - 1


def pushed(
    generator: nn.Module,
    push: Push,
    pairs: PairSource,
    references: References,
    seed: int,
    device: torch.device,
    share: tuple[int, int] = (0, 1),
) -> list[int]:
    """Count the pixels that are pushed, and those of them that are pushed to the right side.

    Args:
        generator: See `Generator`; asked in eval mode, its mode is restored.
        push: See there. A pixel that is left alone is not counted.
        pairs: Held-out pairs, of which the first `MOST` count, the middle of each where it is larger than a reference.
        references: To paste into. The same seed gives the same pairs and references.
        seed, device, share: See `validate`.

    Returns:
        For each of `PUSHES` the pixels that are pushed to the right side, then all that are pushed: eight sums.
    """
    rank, processes = share
    looked_at = PairSubset(pairs, range(min(MOST, len(pairs))))
    drawn = list(validation_references(references, len(looked_at), seed))[rank::processes]
    counts = [0] * (2 * len(PUSHES))
    for pair, (clear, blurred) in zip(validation_pairs(looked_at, seed, share), drawn, strict=True):
        counts = [
            sum(both) for both in zip(counts, _of_pair(generator, push, pair, clear, blurred, device), strict=True)
        ]
    return counts


def shares(counts: list[int]) -> Record:
    """`PUSHES`, in [0, 1], of what `pushed` counts; NaN where no pixel is pushed."""
    pairs = zip(counts[::2], counts[1::2], strict=True)
    return {name: right / all_ if all_ else math.nan for name, (right, all_) in zip(PUSHES, pairs, strict=True)}


def warn_of_a_coin(record: Record, name: str, beside: str = "") -> None:
    """Say in a line that a push is right at about half of the wrong pixels, where it is.

    Args:
        record: See `shares`; or empty.
        name: Of the push.
        beside: What else is to be said of it.
    """
    least, most = COIN
    share = record.get("push_wrong_off_seam", math.nan)
    if least < share < most:
        logger.warning(
            "%s pushes %.1f %% of the wrong pixels off the seam to the right side, as a coin would%s;"
            " --alpha 0 (alpha=0) was as good on all that was measured",
            name,
            100 * share,
            beside,
        )


def _of_pair(
    generator: nn.Module, push: Push, pair: Pair, clear: Tensor, blurred: Tensor, device: torch.device
) -> list[int]:
    height, width = (min(sides) for sides in zip(pair.first.shape[1:], clear.shape[1:], strict=True))
    first, second, mask, sharp, *pasted = (
        _middle(image, height, width)[None].to(device) for image in (*pair, all_in_focus(pair), clear, blurred)
    )
    with evaluating(generator), torch.no_grad():
        logits = generator(first, second)
    batch = {"first": first, "second": second, **dict(zip(("clear", "blurred"), pasted, strict=True))}
    way = push.way(TuningPass(batch, [logits]))

    truth = mask >= 0.5
    moved, rightly = way != 0, (way > 0) == truth
    decided = (logits >= 0) == truth
    regions = HOMOGENEOUS.of(sharp), ~seam(truth)
    return [
        int(torch.count_nonzero(pixels & region & decision))
        for decision, region in product((~decided, decided), regions)
        for pixels in (moved & rightly, moved)
    ]


def _middle(image: Tensor, height: int, width: int) -> Tensor:
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return image[:, top : top + height, left : left + width]
