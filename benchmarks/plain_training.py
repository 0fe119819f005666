"""BridgeTune as one writes it first, after the authors' program: what the training benchmark compares with.

Every picture is decoded at every draw; each of the four syntheses, and each reference, has a pass of its own; the
generator's loss runs through the discriminators with their gradients on; optimisers are as they come. BridgeMFF's
layers are made of torch operations, but for the scan, which is the one that bridgetune's loop has; the channels of
MSFIN and DRPL come first in memory, as torch has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from bridgetune import Adapter, TuneConfig
from bridgetune.config import RECIPES, Recipe
from bridgetune.data import PixelCache, References, SyntheticPairs
from bridgetune.losses import adversarial_loss, dice_loss, discriminator_loss, focal_loss, supervised_loss, tuning_loss
from bridgetune.synthesis import synthesize
from bridgetune.training.samples import TrainingSamples
from bridgetune_bridgemff import layers, mamba
from bridgetune_drpl import network as drpl
from bridgetune_msfin import merging
from bridgetune_msfin import network as msfin

ORDERS = {
    "discriminators first": ("clear", "blurred", "generator"),
    "generator first": ("generator", "clear", "blurred"),
}

NOTHING = PixelCache(0)
"""For sources: every draw decodes."""


class Draws(Dataset[dict[str, Tensor]]):
    def __init__(self, pairs: SyntheticPairs, references: References, config: TuneConfig, steps: int) -> None:
        recipe = RECIPES[config.recipe]
        self.samples = TrainingSamples(pairs, config.seed, references, recipe.reference_draws)
        self.keys = [key for row in self.samples.keys(config.batch, 0, steps) for key in row]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        drawn = self.samples.develop([self.samples.draw(self.keys[place])], torch.device("cpu"))
        return {name: images[0] for name, images in drawn.items()}


def plain_losses(
    generator: Adapter,
    judges: Mapping[str, nn.Module],
    pairs: SyntheticPairs,
    references: References,
    config: TuneConfig,
    steps: int,
) -> Iterator[dict[str, float]]:
    """Train, a step at each `next`; the losses of every step. `pairs` and `references` keep nothing."""
    recipe = RECIPES[config.recipe]
    layers.natively = mamba.natively = lambda x: False  # type: ignore[assignment]
    msfin.laid_out = merging.laid_out = drpl.laid_out = lambda x, width: x
    loader = DataLoader(Draws(pairs, references, config, steps), batch_size=config.batch, num_workers=config.workers)
    networks = {"generator": generator, **judges}
    optimizers = {
        name: torch.optim.AdamW(
            network.parameters(), config.learning_rate, config.betas, weight_decay=config.weight_decay
        )
        for name, network in networks.items()
    }
    schedules = {name: torch.optim.lr_scheduler.CosineAnnealingLR(one, steps) for name, one in optimizers.items()}
    for network in networks.values():
        network.train()

    def update(name: str, loss: Tensor) -> None:
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()
        schedules[name].step()

    for batch in loader:
        logits = generator(batch["first"], batch["second"])
        made = synthesize(batch["first"], batch["second"], logits, batch["clear"], batch["blurred"])._asdict()
        losses: dict[str, float] = {}
        for name in ORDERS[recipe.order]:
            if name == "generator":
                found = tuning(logits, made, judges, batch, recipe, config.alpha)
            else:
                real = judges[name](batch[f"real_{name}"])
                scores = [judges[name](image.detach()) for which, image in made.items() if which.startswith(name)]
                found = {f"discriminator_{name}": discriminator_loss(real, scores)}
            losses |= {term: loss.item() for term, loss in found.items()}
            update(name, next(iter(found.values())))
        yield losses


def tuning(
    logits: Tensor,
    made: Mapping[str, Tensor],
    judges: Mapping[str, nn.Module],
    batch: Mapping[str, Tensor],
    recipe: Recipe,
    alpha: float,
) -> dict[str, Tensor]:
    """Eq. 12 and its terms."""
    adversarial = adversarial_loss([judges[which.split("_")[0]](image) for which, image in made.items()])
    focal = focal_loss(logits, batch["mask"], gamma=recipe.focal_gamma, balance=recipe.focal_balance)
    dice = dice_loss(logits, batch["mask"], over=recipe.dice_over, smoothing=recipe.dice_smoothing)
    supervised = supervised_loss(focal, dice, recipe.focal_weight_finetune)
    loss = tuning_loss(supervised, adversarial, alpha)
    return {"loss": loss, "supervised": supervised, "adversarial": adversarial}
