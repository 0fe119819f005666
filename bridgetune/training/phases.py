"""The three networks of BridgeTune as phases: each touches its own network's gradients and no other's.

The generator's phase is cut in two at the map, where the supervised and the adversarial loss part: their gradients
there are taken one by one, weighed, and handed on to the network together. So each discriminator's graph is gone
before the next one's is made, and the share of either loss is known without a further pass. Where the generator is
updated first, its scores are the discriminators' own, too: their gradients are taken from the same graph, and wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridgetune.config import Recipe, TuneConfig
from bridgetune.losses import (
    adversarial_loss,
    binarisation,
    dice_loss,
    discriminator_loss,
    focal_loss,
    supervised_loss,
    swap_consistency,
    total_variation,
    tuning_loss,
)
from bridgetune.synthesis import synthesize
from bridgetune.terms import Domain
from bridgetune.training.alpha import AdversarialWeight, norm
from bridgetune.training.memory import in_parts
from bridgetune.training.samples import Sample
from bridgetune.wrapping import Adapter, has_batch_norm

Losses = dict[str, Tensor]
SceneT = TypeVar("SceneT", bound="Scene")


class Answering(nn.Module):
    """A generator as training calls it, (first, second) -> [logits, auxiliary logits, …], a micro-batch at a time.

    Args:
        generator: See there.
        auxiliary: Whether the coarser maps are asked for, too.
        micro_batch: Pairs that it sees at a time; 0 for all.
    """

    def __init__(self, generator: Adapter, auxiliary: bool, micro_batch: int = 0) -> None:
        super().__init__()
        self.generator = generator
        self.auxiliary = auxiliary
        self.micro_batch = micro_batch

    def forward(self, first: Tensor, second: Tensor) -> list[Tensor]:
        return in_parts(self._answer, self.micro_batch, first, second)

    def _answer(self, first: Tensor, second: Tensor) -> list[Tensor]:
        return self.generator.scales(first, second) if self.auxiliary else [self.generator(first, second)]


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
    def of(cls, generator: nn.Module, batch: Sample) -> Scene:
        """Let the generator answer."""
        return cls(batch, generator(batch["first"], batch["second"]))


@dataclass
class TuningScene(Scene):
    """A scene of stage 2: labelled pairs, then unlabelled ones, then these in the other order; and the syntheses.

    Attributes:
        map: The logits of `maps`, cut from the generator's graph: where the gradients of the losses arrive.
        sources: First and second images of the pairs, without those in the other order, (B, 3, S, S).
        synthesised: `clear`, s_c1 and s_c2, and `blurred`, s_b1 and s_b2, each (B, 3, S, S).
        judged: The discriminators' losses that the generator's phase has left for theirs, with their gradients.
    """

    map: Tensor = field(init=False)
    sources: tuple[Tensor, Tensor] = field(init=False)
    synthesised: dict[Domain, tuple[Tensor, Tensor]] = field(init=False)
    judged: dict[Domain, Tensor] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.map = self.logits.detach().requires_grad_()
        self.sources = _sources(self.batch)
        first, second = self.sources
        made = synthesize(first, second, self.map[: len(first)], self.batch["clear"], self.batch["blurred"])
        self.synthesised = {
            "clear": (made.clear_first, made.clear_second),
            "blurred": (made.blurred_first, made.blurred_second),
        }

    @classmethod
    def of(cls, generator: nn.Module, batch: Sample) -> TuningScene:
        """Let the generator answer, to the unlabelled pairs in both orders."""
        first, second = _sources(batch)
        if "unlabelled_first" in batch:
            swapped = batch["unlabelled_second"], batch["unlabelled_first"]
            first, second = torch.cat([first, swapped[0]]), torch.cat([second, swapped[1]])
        return cls(batch, generator(first, second))

    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """`map` of the labelled pairs, of the unlabelled ones, and of these in the other order; maybe empty."""
        unlabelled = len(self.batch["unlabelled_first"]) if "unlabelled_first" in self.batch else 0
        labelled = len(self.map) - 2 * unlabelled
        known, new, swapped = torch.split(self.map, [labelled, unlabelled, unlabelled])
        return known, new, swapped


@dataclass
class Phase(Generic[SceneT]):
    """One network's turn in a step.

    Attributes:
        name: Of the network in the records.
        minimised: Which of `losses` it minimises.
        network, optimizer, schedule: As the engine prepared them.
        losses: Of the scene, the minimised one and its terms.
        reaches: Names of the phases whose networks' gradients are not shut off in this one's turn, since their
            graph is used again.
    """

    name: str
    minimised: str
    network: nn.Module
    optimizer: Optimizer
    schedule: LRScheduler
    losses: Callable[[SceneT], Losses]
    reaches: tuple[str, ...] = ()
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
    """Within, no parameter but `phase`'s own takes a gradient, and what it `reaches`."""
    shut = [other for other in phases if other is not phase and other.name not in phase.reaches]
    others = [parameter for other in shut for parameter in other.trainable]
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


def discriminator_losses(scene: TuningScene, domain: Domain, judging: nn.Module) -> Losses:
    """Eq. 5 or 6: the reference is real, the syntheses are not; the generator is out of reach."""
    loss = scene.judged.pop(domain, None)
    if loss is None:
        synthesised = (image.detach() for image in scene.synthesised[domain])
        real, *made = judging(scene.batch[f"real_{domain}"], *synthesised)
        loss = discriminator_loss(real, made)
    return {f"discriminator_{domain}": loss}


@dataclass(frozen=True)
class GeneratorLosses:
    """Every term of Eq. 12, and what unlabelled pairs add to it.

    Attributes:
        judges: The discriminators, see `Judging`.
        recipe, config: See there.
        alpha: See there.
        keep: Whether the discriminators' losses, too, are taken from the scores: their phases come next.
        scale: What losses are multiplied by before they are differentiated, see `Engine.loss_scale`.
        mean: The mean of a tensor over all processes.
    """

    judges: Mapping[Domain, nn.Module]
    recipe: Recipe
    config: TuneConfig
    alpha: AdversarialWeight
    keep: bool = False
    scale: Callable[[], Tensor | float] = lambda: 1.0
    mean: Callable[[Tensor], Tensor] = lambda tensor: tensor

    def __call__(self, scene: TuningScene) -> Losses:
        known = self._known(scene)
        adversarial, towards = {}, torch.zeros_like(scene.map)
        for domain in self.judges:
            loss, gradient = self._adversarial(scene, domain)
            towards += gradient
            adversarial[f"adversarial_{domain}"] = loss
        total = torch.stack(list(adversarial.values())).sum()
        (taught,) = self._gradients(known["known"], [scene.map])

        squares = self.mean(torch.stack([norm(taught), norm(towards)]).square())
        of_known, of_adversarial = squares.sqrt()
        alpha = self.alpha.next(of_known, of_adversarial)
        value = tuning_loss(known.pop("known").detach(), total, alpha)
        return {
            "loss": _with_gradients(value, [scene.logits], [taught + alpha * towards]),
            **{name: term.detach() for name, term in known.items()},
            "adversarial": total,
            **adversarial,
            "alpha": alpha,
            "map_gradient_known": of_known,
            "map_gradient_adversarial": of_adversarial,
        }

    def _known(self, scene: TuningScene) -> Losses:
        """What pulls at the map but for the discriminators: `known`, and its terms."""
        labelled, unlabelled, swapped = scene.parts()
        losses: Losses = {}
        if len(labelled):
            losses |= supervised_losses([labelled], scene.batch["mask"], self.recipe, self.recipe.focal_weight_finetune)
        known = losses.get("supervised", scene.map.sum() * 0)
        if len(unlabelled):
            losses |= {
                "swap": swap_consistency(unlabelled, swapped),
                "binary": binarisation(unlabelled),
                "variation": total_variation(unlabelled),
            }
            weights = self.config.swap_weight, self.config.binary_weight, self.config.variation_weight
            for name, weight in zip(("swap", "binary", "variation"), weights, strict=True):
                known = known + weight * losses[name]
        return {"known": known, **losses}

    def _adversarial(self, scene: TuningScene, domain: Domain) -> tuple[Tensor, Tensor]:
        """The loss's value and its gradient at the map; the discriminator's graph is gone afterwards."""
        judge, images = self.judges[domain], scene.synthesised[domain]
        references = [scene.batch[f"real_{domain}"]] if self.keep else []
        *real, first, second = judge(*references, *images)
        loss = adversarial_loss([first, second], self.config.adversarial)
        (gradient,) = self._gradients(loss, [scene.map], again=self.keep)
        if self.keep:
            own = discriminator_loss(real[0], [first, second])
            parameters = [parameter for parameter in judge.parameters() if parameter.requires_grad]
            scene.judged[domain] = _with_gradients(own.detach(), parameters, self._gradients(own, parameters))
        return loss.detach(), gradient

    def _gradients(self, loss: Tensor, at: Sequence[Tensor], again: bool = False) -> list[Tensor]:
        """Of the loss. In half precision the factor keeps small ones from vanishing on their way.

        Args:
            loss: A scalar.
            at: By what it is differentiated.
            again: Whether its graph is needed again.
        """
        scale = self.scale()
        return [gradient / scale for gradient in torch.autograd.grad(loss * scale, at, retain_graph=again)]


class _Differentiated(torch.autograd.Function):
    """A value whose gradients are known already."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: Sequence[Tensor], *at: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *towards: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(towards[0] * gradient for gradient in ctx.gradients)


def _with_gradients(value: Tensor, at: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """A scalar of that value whose derivatives by `at` are `gradients`."""
    differentiated: Tensor = _Differentiated.apply(value, gradients, *at)  # type: ignore[no-untyped-call]
    return differentiated


def _sources(batch: Sample) -> tuple[Tensor, Tensor]:
    """First and second images, of labelled pairs and then of unlabelled ones."""
    first, second = (
        [batch[name] for name in (which, f"unlabelled_{which}") if name in batch] for which in ("first", "second")
    )
    return (first[0], second[0]) if len(first) == 1 else (torch.cat(first), torch.cat(second))
