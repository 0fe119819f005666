"""What a wrapped network is like, in words: how it is called and read, which sizes it takes, what it costs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bridgetune.devices import device_of
from bridgetune.wrapping.adapter import Adapter, padded_side
from bridgetune.wrapping.field import reach_of
from bridgetune.wrapping.known_pair import half_and_half
from bridgetune.wrapping.observing import undisturbed

SIDE = 256
"""Of the pair that time and memory are taken of."""

FIELD_WITHIN = 20.0
"""Seconds a megapixel up to which it is measured how far a network sees, which takes a megapixel in all."""


_weak: Any = StorageWeakRef
"""A reference to memory that does not keep it; torch has no types for it."""


def described(adapter: Adapter) -> dict[str, str]:
    """Name -> what is to be known, a line each.

    The network is called some times, in eval mode, and left as it was. Time and memory are those of one call in one
    order, on this machine as busy as it is; of the memory operations take more for themselves, which is not seen.
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
        seconds, memory = _cost(adapter)
        if config.side is None:
            slow = seconds > FIELD_WITHIN
            found["sees"] = "not measured, which would take long" if slow else _seen(reach_of(adapter))
        found["time"] = f"{seconds:.2g} s a megapixel"
        found["memory"] = f"{memory / 1e6:,.0f} MB a megapixel, of tensors at once"
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


def _seen(reach: int | None) -> str:
    if reach is None:
        return "what it says of a pixel depends on the whole picture"
    around = "pixel" if reach == 1 else "pixels"
    return f"{reach} {around} around each" if reach else "each pixel by itself"


def _cost(adapter: Adapter) -> tuple[float, float]:
    """Seconds and bytes of a call, by the megapixel; the first call, whose tensors are counted, warms up."""
    once: nn.Module = adapter.reconfigured(adapter.config.asked(False, False, (1.0,)))
    pair = _pair(adapter, SIDE)
    megapixels = pair[0].shape[-1] * pair[0].shape[-2] / 1e6
    with torch.no_grad(), _LiveTensors() as tensors:
        once(*pair)
    with torch.inference_mode():
        begun = time.perf_counter()
        once(*pair)
    return (time.perf_counter() - begun) / megapixels, tensors.peak / megapixels


class _LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the tensors that operations make, as long as they are there.

    Attributes:
        peak: The most bytes that there were of them at once; what operations need for themselves is not seen.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._live: dict[Any, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = {_weak(one.untyped_storage()) for one in _tensors((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        for tensor in _tensors(result):
            storage = tensor.untyped_storage()
            if _weak(storage) not in given:  # what is written or looked into is another's
                self._live[_weak(storage)] = storage.nbytes()
        self._live = {storage: count for storage, count in self._live.items() if not storage.expired()}
        self.peak = max(self.peak, sum(self._live.values()))
        return result


def _tensors(found: Any) -> list[torch.Tensor]:
    return [one for one in tree_leaves(found) if isinstance(one, torch.Tensor) and one.layout == torch.strided]


def _pair(adapter: Adapter, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    config = adapter.config
    side = config.side or padded_side(side, config.multiple, config.minimum)
    return half_and_half(side, device_of(adapter))


def _listed(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)
