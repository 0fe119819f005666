"""A network's mode, training or evaluation, and having it back however what is done in the other one ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within, the network is in eval mode; afterwards each module is in the mode it was in, also on an error."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def batch_norms(network: nn.Module) -> list[nn.Module]:
    """Its layers whose answer depends on the others in a batch, in training mode."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def keep_statistics(network: nn.Module) -> None:
    """Have BatchNorm go by the statistics that it has, and leave them as they are, until a mode is set again."""
    for module in batch_norms(network):
        module.eval()
