"""Where a network is, and how its pictures lie there."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn

FEW = 16
"""Channels, up to which a convolution's gradients are fast where the channels come last."""


def device_of(network: nn.Module) -> torch.device:
    """The device of its first parameter, or else of its first buffer; the CPU where it has neither."""
    tensors = chain(network.parameters(), network.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def laid_out(x: Tensor, width: int) -> Tensor:
    """A network's input, in memory as its convolutions are fastest: what is computed from it will lie likewise.

    On a CPU that is with channels last: with channels first, oneDNN rearranges them for each convolution. But where a
    gradient is wanted and there are many, that of the weights takes it up to five times as long so, and they stay.

    Args:
        x: (B, C, H, W).
        width: Channels between most of the network's convolutions.
    """
    last = x.device.type == "cpu" and (width <= FEW or not torch.is_grad_enabled())
    return x.contiguous(memory_format=torch.channels_last) if last else x
