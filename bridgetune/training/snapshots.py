"""What the networks see and say of a batch, as pictures."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bridgetune.discriminators import Discriminator
from bridgetune.training.phases import Scene, TuningScene


@torch.no_grad()
def snapshot(scene: Scene, discriminators: Mapping[str, Discriminator]) -> dict[str, Tensor]:
    """Sources, map and mask; in stage 2 also the four syntheses and what the discriminators say of each pixel of them.

    Args:
        scene: Of a step.
        discriminators: `clear` and `blurred`; none in stage 1.

    Returns:
        Name -> (B, 3 or 1, H, W) in [0, 1]; maps are probabilities.
    """
    first, second = scene.sources if isinstance(scene, TuningScene) else (scene.batch["first"], scene.batch["second"])
    named = {
        "sources/first": first,
        "sources/second": second,
        "map/generator": torch.sigmoid(scene.logits)[: len(first)],
    }
    if "mask" in scene.batch:
        named["map/true"] = scene.batch["mask"]
    if isinstance(scene, TuningScene):
        for domain, images in scene.synthesised.items():
            for which, image in zip(("first", "second"), images, strict=True):
                named[f"syntheses/{domain}_{which}"] = image
                named[f"taken_for_references/{domain}_{which}"] = torch.sigmoid(discriminators[domain].network(image))
    return named
