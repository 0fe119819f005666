"""A discriminator twin for a network that nobody wrote one for: a fresh copy that judges the pair (x, x)."""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.wrapping.adapter import Adapter


class PairTwin(nn.Module):
    """A copy of a generator's network as a judge of one image, (B, 3, H, W) in [0, 1] -> (B, 1, H, W) logits."""

    def __init__(self, network: nn.Module, config: AdapterConfig) -> None:
        super().__init__()
        self.generator = Adapter(network, config.model_copy(update={"symmetric": False, "scales": (1.0,)}))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.generator(image, image)
        return logits


def pair_twin(network: nn.Module, config: AdapterConfig) -> Callable[[], nn.Module]:
    """What makes a twin of `network`: a copy whose layers are initialised anew, by their own `reset_parameters`.

    Parameters of a module that has no such method keep the network's values.
    """

    def build() -> nn.Module:
        fresh = copy.deepcopy(network)
        fresh.requires_grad_(True)
        for module in fresh.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
        return PairTwin(fresh, config)

    return build
