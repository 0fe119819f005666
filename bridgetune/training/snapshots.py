"""What the networks see and say of a batch, as pictures."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bridgetune.discriminators import Discriminator
from bridgetune.terms import Domain
from bridgetune.training.forward import ForwardPass, TuningPass


@torch.no_grad()
def snapshot(forward: ForwardPass, discriminators: Mapping[Domain, Discriminator]) -> dict[str, Tensor]:
    """Sources, map and mask; in stage 2 also the four syntheses and what the discriminators say of each pixel of them.

    Args:
        forward: Of a step.
        discriminators: `clear` and `blurred`; none in stage 1, and where there is no adversarial loss.

    Returns:
        Name -> (B, 3 or 1, H, W) in [0, 1]; maps are probabilities.
    """
    first, second = (
        forward.sources if isinstance(forward, TuningPass) else (forward.batch["first"], forward.batch["second"])
    )
    named = {
        "sources/first": first,
        "sources/second": second,
        "map/generator": torch.sigmoid(forward.logits)[: len(first)],
    }
    if "mask" in forward.batch:
        named["map/true"] = forward.batch["mask"]
    if isinstance(forward, TuningPass):
        for domain, discriminator in discriminators.items():
            for which, image in zip(("first", "second"), forward.synthesised[domain], strict=True):
                named[f"syntheses/{domain}_{which}"] = image
                named[f"taken_for_references/{domain}_{which}"] = torch.sigmoid(discriminator.network(image))
    return named
