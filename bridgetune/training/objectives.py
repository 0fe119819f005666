"""What each network minimises, Eq. 5-12, and its terms, from a forward pass.

The generator's turn is cut in two at the map, where the supervised and the adversarial loss part: their gradients
there are taken one by one, weighed, and handed on to the network together. So each discriminator's graph is gone
before the next one's is made, and the share of either loss is known without a further pass. Where the generator is
updated first, its scores are the discriminators' own, too: their gradients are taken from the same graph, and wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from bridgetune.config import Recipe, TuneConfig
from bridgetune.losses import (
    adversarial_loss,
    dice_loss,
    discriminator_loss,
    focal_loss,
    supervised_loss,
    tuning_loss,
)
from bridgetune.terms import Domain
from bridgetune.training.alpha import AdversarialWeight, norm
from bridgetune.training.forward import ForwardPass, TuningPass
from bridgetune.training.known_gradients import with_gradients
from bridgetune.training.labels import Labels
from bridgetune.training.regularisers import Regulariser, regularisers

Losses = dict[str, Tensor]


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


def pretraining_losses(forward: ForwardPass, recipe: Recipe) -> Losses:
    """Stage 1: L_SUP over all the maps that the generator gives."""
    return supervised_losses(forward.maps, forward.batch["mask"], recipe, recipe.focal_weight_pretrain)


def discriminator_losses(forward: TuningPass, domain: Domain, judging: nn.Module) -> Losses:
    """Eq. 5 or 6: the reference is real, the syntheses are not; the generator is out of reach."""
    loss = forward.judged.pop(domain, None)
    if loss is None:
        synthesised = (image.detach() for image in forward.synthesised[domain])
        real, *made = judging(forward.batch[f"real_{domain}"], *synthesised)
        loss = discriminator_loss(real, made)
    return {f"discriminator_{domain}": loss}


@dataclass
class GeneratorLosses:
    """Every term of Eq. 12, and the regularisers that are added to it.

    Attributes:
        judges: The discriminators, see `Judging`; none where there is no adversarial loss.
        recipe, config: See there.
        alpha: See there.
        keep: Whether the discriminators' losses, too, are taken from the scores: their phases come next.
        scale: What losses are multiplied by before they are differentiated, see `Engine.loss_scale`.
        mean: The mean of a tensor over all processes.
        labels: Of unlabelled pairs, that nobody gave; None for none.
        regularisers: Of the table of terms, as `config` weighs them.
    """

    judges: Mapping[Domain, nn.Module]
    recipe: Recipe
    config: TuneConfig
    alpha: AdversarialWeight
    keep: bool = False
    scale: Callable[[], Tensor | float] = lambda: 1.0
    mean: Callable[[Tensor], Tensor] = lambda tensor: tensor
    labels: Labels | None = None
    regularisers: list[Regulariser] = field(init=False)

    def __post_init__(self) -> None:
        self.regularisers = regularisers(self.config)

    def __call__(self, forward: TuningPass) -> Losses:
        known, terms = self._known(forward)
        faith = forward.map.new_zeros(())
        if forward.residue is not None:
            terms["fidelity"] = forward.residue.mean()
            faith = self.config.fidelity_weight * terms["fidelity"]
        if not self.judges:
            (taught,) = self._gradients(known, [forward.map])
            loss = with_gradients(known.detach(), [forward.logits], [taught]) + faith
            return {"loss": loss, **{name: term.detach() for name, term in terms.items()}}
        adversarial, towards = {}, torch.zeros_like(forward.map)
        for domain in self.judges:
            loss, gradient = self._adversarial(forward, domain)
            towards += gradient
            adversarial[f"adversarial_{domain}"] = loss
        total = torch.stack(list(adversarial.values())).sum()
        (taught,) = self._gradients(known, [forward.map])

        squares = self.mean(torch.stack([norm(taught), norm(towards)]).square())
        of_known, of_adversarial = squares.sqrt()
        alpha = self.alpha.next(of_known, of_adversarial)
        value = tuning_loss(known.detach(), total, alpha)
        return {
            "loss": with_gradients(value, [forward.logits], [taught + alpha * towards]) + faith,
            **{name: term.detach() for name, term in terms.items()},
            "adversarial": total,
            **adversarial,
            "alpha": alpha,
            "map_gradient_known": of_known,
            "map_gradient_adversarial": of_adversarial,
        }

    def _known(self, forward: TuningPass) -> tuple[Tensor, Losses]:
        """What pulls at the map but for the discriminators, and its terms."""
        labelled, _, _ = forward.parts()
        terms: Losses = {}
        if len(labelled):
            terms |= supervised_losses(
                [labelled], forward.batch["mask"], self.recipe, self.recipe.focal_weight_finetune
            )
        known = terms.get("supervised", forward.map.sum() * 0)
        for regulariser in self.regularisers:
            value = regulariser.of(forward)
            if value is not None:
                terms[regulariser.term.name] = value
                known = known + regulariser.weight * value
        if self.labels is not None:
            terms["pseudo"] = self._pseudo(forward, self.labels)
            known = known + self.config.pseudo_weight * terms["pseudo"]
        return known, terms

    def _pseudo(self, forward: TuningPass, labels: Labels) -> Tensor:
        """L_SUP on unlabelled pairs."""
        _, logits, _ = forward.parts()
        first, second = forward.batch["unlabelled_first"], forward.batch["unlabelled_second"]
        target = labels(first, second, logits)
        return supervised_losses([logits], target, self.recipe, self.recipe.focal_weight_finetune)["supervised"]

    def _adversarial(self, forward: TuningPass, domain: Domain) -> tuple[Tensor, Tensor]:
        """The loss's value and its gradient at the map; the discriminator's graph is gone afterwards."""
        judge, images = self.judges[domain], forward.synthesised[domain]
        references = [forward.batch[f"real_{domain}"]] if self.keep else []
        *real, first, second = judge(*references, *images)
        loss = adversarial_loss([first, second], self.config.form)
        (gradient,) = self._gradients(loss, [forward.map], again=self.keep)
        if self.keep:
            own = discriminator_loss(real[0], [first, second])
            parameters = [parameter for parameter in judge.parameters() if parameter.requires_grad]
            forward.judged[domain] = with_gradients(own.detach(), parameters, self._gradients(own, parameters))
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
