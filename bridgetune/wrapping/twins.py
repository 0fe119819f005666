"""A discriminator twin for a network that nobody wrote one for: a fresh copy that judges the pair (x, x)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn, norm_except_dim
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from bridgetune.config import AdapterConfig
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.traces import copied


class PairTwin(nn.Module):
    """A copy of a generator's network as a judge of one image, (B, 3, H, W) in [0, 1] -> (B, 1, H, W) logits.

    What the network says of the image paired with itself is the verdict; of an end-to-end one, whose map then tells
    nothing, the mean of its picture's channels.
    """

    def __init__(self, network: nn.Module, config: AdapterConfig) -> None:
        super().__init__()
        self.generator = Adapter(network, config.model_copy(update={"symmetric": False, "scales": (1.0,)}))

    def forward(self, image: Tensor) -> Tensor:
        if self.generator.config.output == "fused":
            return self.generator.picture(image, image).mean(1, keepdim=True)
        logits: Tensor = self.generator(image, image)
        return logits


def pair_twin(network: nn.Module, config: AdapterConfig) -> Callable[[], nn.Module]:
    """What makes a twin of `network`: a copy whose layers are initialised anew, by their own `reset_parameters`.

    Parameters of a module that has no such method keep the network's values. Weight and spectral normalisation stay.
    """

    def build() -> nn.Module:
        fresh = copied(network)
        fresh.requires_grad_(True)
        for module in fresh.modules():
            if callable(getattr(module, "reset_parameters", None)):
                _reset(module)
        return PairTwin(fresh, config)

    return build


def _reset(module: nn.Module) -> None:
    """`reset_parameters`, also of a layer some of whose weights are made of others when it is called."""
    hooks = [hook for hook in module._forward_pre_hooks.values() if isinstance(hook, WeightNorm | SpectralNorm)]
    parametrized = list(cast(nn.ModuleDict, module.parametrizations)) if parametrize.is_parametrized(module) else []
    made = {*parametrized, *(hook.name for hook in hooks)}
    plain = _plain(module, made) if made else module
    plain.reset_parameters()  # type: ignore[operator]
    if not made:
        return
    with torch.no_grad():
        for name, parameter in module.named_parameters(recurse=False):
            if name in plain._parameters:  # a bias, say
                parameter.copy_(getattr(plain, name))
        for name in parametrized:
            setattr(module, name, getattr(plain, name).detach())  # by the parametrization
        for hook in hooks:
            weight = getattr(plain, hook.name)
            if isinstance(hook, WeightNorm):
                getattr(module, f"{hook.name}_v").copy_(weight)
                getattr(module, f"{hook.name}_g").copy_(norm_except_dim(weight, 2, hook.dim))
            else:
                getattr(module, f"{hook.name}_orig").copy_(weight)


def _plain(module: nn.Module, made: set[str]) -> nn.Module:
    """The layer as it was before, with weights of its own in place of those that are made.

    torch's own way back takes the weights from all copies of a layer at once, since they share a class.
    """
    plain: nn.Module = object.__new__(parametrize.type_before_parametrizations(module))
    vars(plain).update({name: value for name, value in vars(module).items() if name not in made})
    plain._modules = {name: child for name, child in module._modules.items() if name != "parametrizations"}
    own = {name: value for name, value in module._parameters.items() if value is not None}
    weights = own | {name: getattr(module, name) for name in made}
    plain._parameters = {name: nn.Parameter(value.detach().clone()) for name, value in weights.items()}
    return plain
