"""The three networks of BridgeTune as phases: each touches its own network's gradients and no other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Literal, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
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
from bridgetune.wrapping import Adapter

Losses = dict[str, Tensor]
Domain = Literal["clear", "blurred"]
DOMAINS: tuple[Domain, ...] = ("clear", "blurred")
SceneT = TypeVar("SceneT", bound="Scene")


class AllScales(nn.Module):
    """A generator as training calls it: all its maps, (first, second) -> [logits, auxiliary logits, …]."""

    def __init__(self, generator: Adapter) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, first: Tensor, second: Tensor) -> list[Tensor]:
        return self.generator.scales(first, second)


@dataclass
class Scene:
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


def supervised_losses(maps: Sequence[Tensor], target: Tensor, recipe: Recipe, focal_weight: float) -> Losses:
    """L_SUP as `recipe` has it, Eq. 8-11, and its terms; averaged over the maps, each at its own size."""
    targets = [
        target if map_.shape == target.shape else interpolate(target, map_.shape[2:], mode="area") for map_ in maps
    ]
    focal = [
        focal_loss(map_, its_target, gamma=recipe.focal_gamma, balance=recipe.focal_balance)
        for map_, its_target in zip(maps, targets, strict=True)
    ]
    dice = [
        dice_loss(map_, its_target, over=recipe.dice_over, smoothing=recipe.dice_smoothing)
        for map_, its_target in zip(maps, targets, strict=True)
    ]
    terms = {"focal": torch.stack(focal).mean(), "dice": torch.stack(dice).mean()}
    return {"supervised": supervised_loss(terms["focal"], terms["dice"], focal_weight), **terms}


def pretraining_losses(scene: Scene, recipe: Recipe) -> Losses:
    """Stage 1: L_SUP over all the maps that the generator gives."""
    return supervised_losses(scene.maps, scene.batch["mask"], recipe, recipe.focal_weight_pretrain)


def discriminator_losses(scene: TuningScene, domain: Domain, discriminator: nn.Module) -> Losses:
    """Eq. 5 or 6: the reference is real, the syntheses are not; the generator is out of reach."""
    real = discriminator(scene.batch[f"real_{domain}"])
    synthesised = discriminator(scene.synthesised[domain].detach()).chunk(2)
    return {f"discriminator_{domain}": discriminator_loss(real, synthesised)}


def generator_losses(scene: TuningScene, judges: dict[Domain, nn.Module], recipe: Recipe, config: TuneConfig) -> Losses:
    """Every term of Eq. 12."""
    supervised = supervised_losses([scene.logits], scene.batch["mask"], recipe, recipe.focal_weight_finetune)
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
