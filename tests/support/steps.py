"""What one step of training needs, small and without data: networks, a batch, and what stage 2 minimises."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bridgetune import RECIPES, AdapterConfig, TuneConfig, wrap
from bridgetune.discriminators import build_discriminator
from bridgetune.terms import DOMAINS
from bridgetune.training.alpha import AdversarialWeight
from bridgetune.training.forward import TuningPass
from bridgetune.training.labels import Labels
from bridgetune.training.objectives import GeneratorLosses
from bridgetune.training.roles import Answering, Judging

RECIPE = RECIPES["paper"]
CPU = torch.device("cpu")


def networks() -> dict[str, nn.Module]:
    """`generator`, and a judge for either domain."""
    torch.manual_seed(0)
    generator = wrap(nn.Conv2d(6, 1, 3, padding=1), AdapterConfig(call="concat"))
    judges = {domain: Judging(build_discriminator(generator, "patch")[0]) for domain in DOMAINS}
    return {"generator": generator, **judges}


def losses_of_generator(
    made: dict[str, nn.Module], config: TuneConfig | None = None, keep: bool = False
) -> GeneratorLosses:
    """What stage 2's generator minimises, of `networks`."""
    config = config or TuneConfig()
    judges = {domain: made[domain] for domain in DOMAINS}
    return GeneratorLosses(judges, RECIPE, config, AdversarialWeight(config.alpha, 0.1, CPU), keep=keep)


def losses_by_labels(config: TuneConfig) -> GeneratorLosses:
    """What stage 2's generator minimises where labels that nobody gave stand for the adversarial loss."""
    assert config.labelling is not None
    return GeneratorLosses({}, RECIPE, config, AdversarialWeight(0.0, 0.1, CPU), labels=Labels(config.labelling))


def batch(unlabelled: int = 0) -> dict[str, Tensor]:
    """Two labelled pairs of noise and so many unlabelled ones, with references for all."""
    random = torch.Generator().manual_seed(1)
    counts = {"first": 2, "second": 2} | dict.fromkeys(
        ("clear", "blurred", "real_clear", "real_blurred"), 2 + unlabelled
    )
    made = {name: torch.rand(count, 3, 32, 32, generator=random) for name, count in counts.items()}
    made["mask"] = (torch.rand(2, 1, 32, 32, generator=random) > 0.5).float()
    if unlabelled:
        for name in ("unlabelled_first", "unlabelled_second"):
            made[name] = torch.rand(unlabelled, 3, 32, 32, generator=random)
    return made


def forward_pass(made: dict[str, nn.Module], given: dict[str, Tensor] | None = None) -> TuningPass:
    """Of stage 2, by the generator of `networks`."""
    return TuningPass.of(Answering(made["generator"], auxiliary=False), batch() if given is None else given)


class TwoScales(nn.Module):
    """A map and one of half its size, each by a head of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(6, 1, 1), nn.Conv2d(6, 1, 2, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.fine(x), self.coarse(x)
