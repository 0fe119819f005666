"""What a wrapped network is like, in words: how it is called and read, which sizes it takes, what it costs."""

from __future__ import annotations

import time

import torch
from torch import nn

from bridgetune.devices import device_of
from bridgetune.wrapping.adapter import Adapter, padded_side
from bridgetune.wrapping.known_pair import half_and_half
from bridgetune.wrapping.observing import undisturbed

SIDE = 256
"""Of the pair that the time is taken of."""


def described(adapter: Adapter) -> dict[str, str]:
    """Name -> what is to be known, a line each.

    The network is called a few times, in eval mode, and left as it was. The time is that of one call in one order, on
    this machine as busy as it is.
    """
    config = adapter.config
    low, high = config.value_range
    scaled = [f"[{low:g}, {high:g}]"]
    if (config.mean, config.std) != ((0.0,), (1.0,)):
        scaled.append(f"less {_listed(config.mean)}, by {_listed(config.std)}")
    channels = "RGB" if config.color == "rgb" else "gray"
    found = {
        "call": f"{config.call}, {config.layout}, {channels}, {' '.join(scaled)}",
        "answer": f"{config.output}, high where the {config.orientation} image is in focus",
        "sizes": _sizes(adapter),
    }
    with undisturbed(adapter.network):
        reached, trained = _reached(adapter)
        if trained:
            found["reached by a loss on the map"] = f"{reached:,} of {trained:,} trainable parameters"
        found["time"] = f"{_seconds(adapter):.2g} s a megapixel"
    return found


def _sizes(adapter: Adapter) -> str:
    config = adapter.config
    if config.side is not None:
        ways = {"tiles": "in tiles that overlap", "resize": "resized", "patches": f"patches {config.step} pixels apart"}
        return f"{config.side}×{config.side} alone; others {ways[config.fit]}"
    least = f"sides from {config.minimum}" if config.minimum > 1 else "any"
    multiple = f", padded to a multiple of {config.multiple}" if config.multiple > 1 else ""
    coarse = f"; a map pixel for {config.stride}×{config.stride}" if config.stride > 1 else ""
    return least + multiple + coarse


def _reached(adapter: Adapter) -> tuple[int, int]:
    """How many trainable numbers a gradient comes to, and how many there are."""
    parameters = [parameter for parameter in adapter.network.parameters() if parameter.requires_grad]
    if not parameters:
        return 0, 0
    with torch.enable_grad():
        logits = adapter(*_pair(adapter, 64)).sum()
        if not logits.requires_grad:
            return 0, sum(parameter.numel() for parameter in parameters)
        gradients = torch.autograd.grad(logits, parameters, allow_unused=True)
    found = zip(parameters, gradients, strict=True)
    return (
        sum(parameter.numel() for parameter, gradient in found if gradient is not None),
        sum(parameter.numel() for parameter in parameters),
    )


def _seconds(adapter: Adapter) -> float:
    """Of a call, by the megapixel; the first one warms up."""
    once: nn.Module = adapter.reconfigured(adapter.config.asked(False, False, (1.0,)))
    pair = _pair(adapter, SIDE)
    with torch.inference_mode():
        once(*pair)
        begun = time.perf_counter()
        once(*pair)
    return (time.perf_counter() - begun) * 1e6 / (pair[0].shape[-1] * pair[0].shape[-2])


def _pair(adapter: Adapter, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    config = adapter.config
    side = config.side or padded_side(side, config.multiple, config.minimum)
    first, second = half_and_half(side)
    return first.to(device_of(adapter)), second.to(device_of(adapter))


def _listed(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)
