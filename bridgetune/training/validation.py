"""Map error on held-out pairs, whose ground truth is known because they are synthetic."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bridgetune.data import Pair, PairSource, all_in_focus
from bridgetune.metrics import HOMOGENEOUS, MapErrors, map_errors
from bridgetune.modes import evaluating
from bridgetune.synthesis import decision_map
from bridgetune.training.samples import validation_pairs


@torch.no_grad()
def validate(
    generator: nn.Module,
    pairs: PairSource,
    seed: int,
    device: torch.device,
    share: tuple[int, int] = (0, 1),
    seen: Callable[[int, Pair, Tensor], None] = lambda number, pair, decision: None,
) -> MapErrors:
    """The generator's wrong decisions, in eval mode; its mode is restored.

    Args:
        generator: See `Generator`.
        pairs: Held-out pairs. The same seed gives the same crops and blurs.
        share: (rank, processes): every so manieth pair, from the rank on.
        seen: Told each pair, counted from 1, and its decision, (1, H, W).
    """
    errors = MapErrors()
    with evaluating(generator):
        for number, pair in enumerate(validation_pairs(pairs, seed, share), 1):
            first, second, mask = (image[None].to(device) for image in pair)
            decision: Tensor = decision_map(generator(first, second))
            seen(number, pair, decision[0])
            clear = all_in_focus(pair)[None].to(device)
            errors += map_errors(decision, mask, HOMOGENEOUS.of(clear))
    return errors
