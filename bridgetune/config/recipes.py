"""Where the paper and the authors' released program do things differently."""

from __future__ import annotations

from typing import Literal

from bridgetune.config._model import Frozen
from bridgetune.config.bounds import Exponent, PositiveWeight, Weight


class Recipe(Frozen):
    """Where the paper and the authors' released program do things differently. See `RECIPES`."""

    name: Literal["paper", "released"]
    """`paper` or `released`."""
    focal_gamma: Exponent = 2.0
    """Focusing exponent of the focal loss, Eq. 8."""
    focal_balance: tuple[PositiveWeight, PositiveWeight] = (1.0, 1.0)
    """Weights of the positive and the negative class in the focal loss."""
    dice_over: Literal["sample", "batch"] = "sample"
    """Dice sums over each `sample` (then the mean), or over the whole `batch`."""
    dice_smoothing: Weight = 0.0
    """Added above and below the fraction of Eq. 10."""
    focal_weight_pretrain: Weight = 20.0
    """λ of Eq. 11 in stage 1."""
    focal_weight_finetune: Weight = 20.0
    """λ of Eq. 11 in stage 2."""
    order: Literal["discriminators first", "generator first"] = "discriminators first"
    """Which network is updated first in a step of stage 2."""
    score: Literal["image", "pixel"] = "image"
    """Discriminators answer with one score an `image` (the mean of their logits) or one a `pixel`."""
    reference_draws: Literal["same", "separate"] = "same"
    """The reference pasted into and the one shown as real are the `same` draw or `separate`."""
    flips: bool = True
    """Training pairs are mirrored at random."""


RECIPES: dict[str, Recipe] = {
    "paper": Recipe(name="paper"),
    "released": Recipe(
        name="released",
        focal_balance=(0.25, 0.75),
        dice_over="batch",
        dice_smoothing=1.0,
        focal_weight_pretrain=15.0,
        order="generator first",
        score="pixel",
        reference_draws="separate",
        flips=False,
    ),
}
"""The paper's text and the authors' released program, each as one frozen, named set of decisions."""
