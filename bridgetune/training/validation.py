"""Map error on held-out pairs, whose ground truth is known because they are synthetic."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bridgetune.data import PairSource, all_in_focus
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
) -> MapErrors:
    """The generator's wrong decisions, in eval mode; its mode is restored.

    Args:
        generator: See `Generator`.
        pairs: Held-out pairs. The same seed gives the same crops and blurs.
        share: (rank, processes): every so manieth pair, from the rank on.
    """
    errors = MapErrors()
    with evaluating(generator):
        for pair in validation_pairs(pairs, seed, share):
            first, second, mask = (image[None].to(device) for image in pair)
            decision: Tensor = decision_map(generator(first, second))
            clear = all_in_focus(pair)[None].to(device)
            errors += map_errors(decision, mask, HOMOGENEOUS.of(clear))
    return errors
