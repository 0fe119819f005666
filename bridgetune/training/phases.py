"""The three networks of BridgeTune as phases: each touches its own network's gradients and no other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Literal, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridgetune.config import Recipe, TuneConfig
from bridgetune.losses import (
    adversarial_loss,
    dice_loss,
    discriminator_loss,
    focal_loss,
    supervised_loss,
    tuning_loss,
)
from bridgetune.synthesis import synthesize
from bridgetune.training.samples import Sample

Losses = dict[str, Tensor]
Domain = Literal["clear", "blurred"]
DOMAINS: tuple[Domain, ...] = ("clear", "blurred")
SceneT = TypeVar("SceneT", bound="Scene")


@dataclass
class Scene:
    """What one step works on: a batch and the generator's answer to it.

    Attributes:
        batch: See `samples.Sample`, with a leading batch axis.
        logits: (B, 1, S, S), with the generator's graph.
    """

    batch: Sample
    logits: Tensor

    @classmethod
    def of(cls, generator: nn.Module, batch: Sample) -> Self:
        """Let the generator answer."""
        return cls(batch, generator(batch["first"], batch["second"]))


@dataclass
class TuningScene(Scene):
    """A scene with the syntheses that the generator's answer makes.

    Attributes:
        synthesised: `clear`, s_c1 over s_c2, and `blurred`, s_b1 over s_b2, each (2B, 3, S, S), so that
            two are judged in one pass.
    """

    synthesised: dict[Domain, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        batch = self.batch
        made = synthesize(batch["first"], batch["second"], self.logits, batch["clear"], batch["blurred"])
        self.synthesised = {
            "clear": torch.cat([made.clear_first, made.clear_second]),
            "blurred": torch.cat([made.blurred_first, made.blurred_second]),
        }


@dataclass
class Phase(Generic[SceneT]):
    """One network's turn in a step.

    Attributes:
        name: Of the network in the records.
        minimised: Which of `losses` it minimises.
        network, optimizer, schedule: As the engine prepared them.
        losses: Of the scene, the minimised one and its terms.
    """

    name: str
    minimised: str
    network: nn.Module
    optimizer: Optimizer
    schedule: LRScheduler
    losses: Callable[[SceneT], Losses]
    trainable: list[nn.Parameter] = field(init=False)

    def __post_init__(self) -> None:
        self.trainable = [parameter for parameter in self.network.parameters() if parameter.requires_grad]

    def update(self) -> None:
        """One step of the optimiser and its schedule; the gradients are gone afterwards."""
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()


@contextmanager
def only(phase: Phase[SceneT], phases: Sequence[Phase[SceneT]]) -> Iterator[None]:
    """Within, no parameter but `phase`'s own takes a gradient."""
    others = [parameter for other in phases if other is not phase for parameter in other.trainable]
    for parameter in others:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad_(True)


def supervised_losses(scene: Scene, recipe: Recipe, focal_weight: float) -> Losses:
    """L_SUP as `recipe` has it, Eq. 8-11, and its terms."""
    target = scene.batch["mask"]
    focal = focal_loss(scene.logits, target, gamma=recipe.focal_gamma, balance=recipe.focal_balance)
    dice = dice_loss(scene.logits, target, over=recipe.dice_over, smoothing=recipe.dice_smoothing)
    return {"supervised": supervised_loss(focal, dice, focal_weight), "focal": focal, "dice": dice}


def discriminator_losses(scene: TuningScene, domain: Domain, discriminator: nn.Module) -> Losses:
    """Eq. 5 or 6: the reference is real, the syntheses are not; the generator is out of reach."""
    real = discriminator(scene.batch[f"real_{domain}"])
    synthesised = discriminator(scene.synthesised[domain].detach()).chunk(2)
    return {f"discriminator_{domain}": discriminator_loss(real, synthesised)}


def generator_losses(scene: TuningScene, judges: dict[Domain, nn.Module], recipe: Recipe, config: TuneConfig) -> Losses:
    """Every term of Eq. 12."""
    supervised = supervised_losses(scene, recipe, recipe.focal_weight_finetune)
    adversarial = {
        f"adversarial_{domain}": adversarial_loss(judge(scene.synthesised[domain]).chunk(2), config.adversarial)
        for domain, judge in judges.items()
    }
    total = torch.stack(list(adversarial.values())).sum()
    return {
        "loss": tuning_loss(supervised["supervised"], total, config.alpha),
        **supervised,
        "adversarial": total,
        **adversarial,
    }
