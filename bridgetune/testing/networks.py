"""What the conformance kit does to networks: start them, stir their weights, follow gradients, look inside."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bridgetune.wrapping import Adapter

BOUNDS = {"probability": (0.0, 1.0), "complementary": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Where a network's map lies by what its AdapterConfig.output declares; logits lie anywhere."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers from `seed` inside, and outside as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def stir(network: nn.Module, scale: float, seed: int) -> None:
    """Add normal noise of standard deviation `scale` to every parameter."""
    random_numbers = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=random_numbers))


class Reach(NamedTuple):
    """Names of trainable parameters."""

    missed: frozenset[str]
    """Have no gradient, or zero in every element."""
    not_finite: frozenset[str]
    """Have a gradient with NaN or infinity in it."""


def reach(network: nn.Module, call: Callable[[], list[Tensor]]) -> Reach:
    """Follow the gradients of a loss on all that `call` returns into `network`.

    In evaluation and in training mode; in one of them it must reach a parameter. (In training, batch norm takes
    the gradient from a bias before it; in evaluation, some networks leave out whole branches.)
    """
    trainable = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    reached: set[str] = set()
    not_finite: set[str] = set()
    for training in (False, True):
        network.train(training).zero_grad(set_to_none=True)
        with seeded(0):
            loss = torch.stack([(torch.randn_like(output) * output).sum() for output in call()]).sum()
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
        gradients = {name: parameter.grad for name, parameter in trainable.items() if parameter.grad is not None}
        reached |= {name for name, gradient in gradients.items() if gradient.any()}
        not_finite |= {name for name, gradient in gradients.items() if not gradient.isfinite().all()}
    return Reach(frozenset(trainable) - reached, frozenset(not_finite))


@torch.no_grad()
def map_of(generator: nn.Module, first: Tensor, second: Tensor) -> Tensor:
    """A generator's logits, without their graph."""
    logits: Tensor = generator(first, second)
    return logits


def out_of_bounds(generator: Adapter, first: Tensor, second: Tensor) -> Tensor:
    """What the network's map holds beyond the `BOUNDS` that its adapter declares, flat; empty where all is well."""
    config = generator.config
    low, high = BOUNDS.get(config.output, (float("-inf"), float("inf")))
    as_is = {"output": "logits", "orientation": "first"}
    channels = (0, 1) if config.output == "complementary" else (config.channel,)
    readers = [config.model_copy(update={**as_is, "channel": channel}) for channel in channels]
    values = torch.cat([map_of(Adapter(generator.unwrap(), reader), first, second) for reader in readers])
    return values[(values < low) | (values > high)]


def near(one: Tensor, other: Tensor, share: float) -> bool:
    """Whether two maps differ nowhere by more than `share` of the largest logit."""
    return bool((one - other).abs().max() <= share * other.abs().max())


def tensors_in(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def random_states() -> dict[str, bytes]:
    """The global random generators -> the state each is in."""
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy.random": pickle.dumps(np.random.get_state()),  # noqa: NPY002 - a network may use it
        "random": pickle.dumps(random.getstate()),
    }
