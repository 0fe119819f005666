"""Calling a network without leaving a trace in it, and noting what it does on the way."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode, resolve_name

from bridgetune.modes import evaluating
from bridgetune.wrapping.reading import parts_of
from bridgetune.wrapping.traces import attributes_kept

DEPTH = 2
"""How many containers an output may lie in, beside the answer itself."""

CHOOSING = ("argmax", "argmin", "heaviside", "sign", "round", "floor", "ceil", "gt", "ge", "lt", "le", "where")
"""Names of operations whose result says which, not how much: no gradient comes through them."""


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Within, the network is in eval mode; afterwards it has no trace of it, and all random states are as before."""
    buffers = {buffer: buffer.clone() for buffer in network.buffers() if not is_lazy(buffer)}
    randoms, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - a network may use it
    try:
        with attributes_kept(network), evaluating(network), torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a network makes of input that is not for it
            yield
    finally:
        random.setstate(randoms)
        np.random.set_state(arrays)  # noqa: NPY002
        with torch.no_grad():
            for buffer, value in buffers.items():
                if not torch.equal(buffer, value):  # writing, even the same, would spoil a graph that saved it
                    buffer.copy_(value)


@dataclass(eq=False)
class Observation(TorchFunctionMode):
    """What a network did while it was called.

    Attributes:
        operations: Names of the torch functions that it called itself, in order.
        blind: Whether it computed with gradients switched off.
        optimised: Whether it ran an optimiser, or a backward pass of its own.
    """

    operations: list[str] = field(default_factory=list)
    blind: bool = False
    optimised: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = (resolve_name(func) or getattr(func, "__name__", "")).rpartition(".")[2].strip("_")
        self.operations.append(name)
        self.blind |= not torch.is_grad_enabled()
        self.optimised |= name in ("backward", "grad")
        return func(*args, **(kwargs or {}))

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Within, calls are noted."""

        def note(*_: Any) -> None:
            self.optimised = True

        handle = register_optimizer_step_pre_hook(note)
        try:
            with torch.enable_grad(), self:
                yield
        finally:
            handle.remove()

    def excuse(self) -> str:
        """Why no gradient comes back, as far as it can be told; empty where it cannot."""
        if self.optimised:
            return "it optimises for each image (backward or an optimiser inside forward)"
        if "numpy" in self.operations:
            return "it goes through numpy"
        if self.blind:
            return "it computes under torch.no_grad"
        chosen = [name for name in self.operations if name in CHOOSING]
        if chosen:
            return f"it decides hard ({chosen[-1]})"
        if "detach" in self.operations or "item" in self.operations:
            return "it detaches its result"
        return ""


def tensors_of(answer: object) -> dict[int | str | None, Tensor]:
    """The tensors in a network's answer by the item that `AdapterConfig` would name them by."""
    return {None: answer} if isinstance(answer, Tensor) else dict(_tensors_in(answer, DEPTH))


def _tensors_in(answer: object, depth: int) -> Iterator[tuple[int | str, Tensor]]:
    for key, value in parts_of(answer).items():
        if isinstance(value, Tensor):
            yield key, value
        elif depth:
            yield from ((f"{key}.{inner}", tensor) for inner, tensor in _tensors_in(value, depth - 1))
