"""What a trained network's input is scaled to, which cannot be seen, only tried: that under which it does best."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.data.pairs import multi_focus_pair
from bridgetune.devices import device_of
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.known_pair import blurred, sides_of, texture
from bridgetune.wrapping.observing import undisturbed

Domain = dict[str, Any]
"""Fields of a config: `value_range`, or `mean` and `std`."""

DOMAINS: dict[str, Domain] = {
    "[0, 1]": {},
    "[-1, 1]": {"value_range": (-1.0, 1.0)},
    "0 to 255": {"value_range": (0.0, 255.0)},
    "ImageNet's mean and std": {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
}
"""What networks of the field are trained on: its name, and how a config says it."""

OF_GRAY: Domain = {"mean": (0.449,), "std": (0.226,)}
"""ImageNet's, of gray images."""

LESS, LESS_OF_A_PICTURE = 0.7, 0.9
"""Another domain is taken where its error is less than so much of that of [0, 1]; and where a fused image's is."""

LEAST, LEAST_OF_A_PICTURE = 0.03, 0.0005
"""And smaller by so much, in shares of wrong pixels; and in differences of images in [0, 1]."""

KERNELS = (5, 11)
"""Of the blurs that are to be told from sharp."""


def in_domain(config: AdapterConfig, domain: Domain) -> AdapterConfig:
    """The same in another domain."""
    gray = config.color == "gray" and "mean" in domain
    return config.model_copy(update=OF_GRAY if gray else domain)


def scaling(network: nn.Module, config: AdapterConfig) -> tuple[AdapterConfig, str]:
    """The config in the domain in which the network does best, and a line on it; empty where [0, 1] is as good.

    A map is judged by its decisions on pairs of slight and strong blur and little contrast; a fused image by what it
    differs from both sources where these are one soft picture.

    Args:
        network: A trained one; left as it was.
        config: How it is called and read, in [0, 1].
    """
    side = config.side or max(64, config.minimum + -config.minimum % config.multiple)
    errors: dict[str, float] = {}
    for name, domain in DOMAINS.items():
        try:
            errors[name] = _error(network, in_domain(config, domain), side)
        except Exception:  # whatever a network makes of input that is not for it
            continue
    own = errors.get("[0, 1]", 1.0)
    best = min(errors, key=lambda name: errors[name], default="[0, 1]")
    fused = config.output == "fused"
    less, least = (LESS_OF_A_PICTURE, LEAST_OF_A_PICTURE) if fused else (LESS, LEAST)
    if not (errors.get(best, own) < less * own and errors[best] < own - least):
        return config, ""
    seen = "its picture of two equal sources is off by" if fused else "of its decisions on synthetic pairs are wrong"
    here, there = f"{errors[best]:.2%}", f"{own:.2%}"
    told = f"{seen} {here}, {there} in [0, 1]" if fused else f"{here} {seen}, {there} in [0, 1]"
    return in_domain(config, DOMAINS[best]), f"its input is taken to be scaled to {best}: {told}"


def _error(network: nn.Module, config: AdapterConfig, side: int) -> float:
    adapter, wrong, device = Adapter(network, config), [], device_of(network)
    with undisturbed(network), torch.no_grad():
        for seed, kernel in enumerate(KERNELS, 3):
            if config.output == "fused":
                soft = blurred(blurred(texture(side, seed))).to(device)
                wrong.append(float((adapter.fused(soft, soft) - soft).abs().mean()))
                continue
            mask = torch.zeros(1, side, side)
            mask[..., : side // 2] = 1
            pair = multi_focus_pair(0.3 + 0.4 * texture(side, seed)[0], mask, kernel)
            first, second = pair.first[None].to(device), pair.second[None].to(device)
            wrong += [1 - _right(adapter(first, second), 0), 1 - _right(adapter(second, first), 1)]
    return sum(wrong) / len(wrong)


def _right(logits: Tensor, in_focus: int) -> float:
    """Share of right decisions, the focus boundary left out."""
    sides = sides_of(logits)
    return float((sides[in_focus] > 0).float().mean() + (sides[1 - in_focus] < 0).float().mean()) / 2
