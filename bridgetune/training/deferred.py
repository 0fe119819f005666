"""The records of the steps, read from the device a step late, so that no step waits for its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bridgetune.errors import WorkError
from bridgetune.runs.directory import Record

_WISH = "asked to stop"
"""Beside the names of losses, of which none has spaces."""


class DeferredRecord:
    """One step's numbers on their way from the device.

    Args:
        mean: The mean of a tensor over all processes.
    """

    def __init__(self, mean: Callable[[Tensor], Tensor]) -> None:
        self._mean = mean
        self._waiting: tuple[Record, list[str], Tensor] | None = None
        self._arrival: torch.cuda.Event | None = None

    def note(self, known: Record, values: Mapping[str, Tensor], wish: bool) -> None:
        """Send a step's numbers off. Those of the step before must have been settled.

        Args:
            known: What needs no reading, `step` for one.
            values: Name -> scalar on the device, of this process.
            wish: Whether this process was asked to stop.
        """
        stacked = torch.stack([value.detach().float() for value in values.values()])
        stacked = self._mean(torch.cat([stacked, stacked.new_full((1,), float(wish))]))
        self._waiting = known, [*values, _WISH], stacked.to("cpu", non_blocking=stacked.is_cuda)
        if stacked.is_cuda:
            self._arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrival.record()

    def settle(self) -> tuple[Record | None, bool]:
        """The record that is waiting, and whether any process was asked to stop by then.

        Raises:
            WorkError: One of its numbers is not finite. The step changed no network by it.
        """
        if self._waiting is None:
            return None, False
        known, names, numbers = self._waiting
        self._waiting = None
        if self._arrival is not None:
            self._arrival.synchronize()
        values = dict(zip(names, numbers.tolist(), strict=True))
        for name, value in values.items():
            if not math.isfinite(value):
                raise WorkError(f"step {known['step']}: {_unsound(name, value)}")
        wish = values.pop(_WISH) > 0
        return {**known, **values}, wish


def _unsound(name: str, value: float) -> str:
    if name.startswith("gradient_"):
        network = name.removeprefix("gradient_")
        return (
            f"the gradient of {network!r} is {value}; nothing was updated by it;"
            " try a lower learning rate, or resume from the last checkpoint with precision='no'"
        )
    if name == "map_mean":
        return (
            "the generator's map is not finite; nothing was updated by it;"
            " try a lower learning rate, and look for NaN in the training images"
        )
    return (
        f"the loss {name!r} is {value}; nothing was updated by it;"
        " try a lower learning rate, and look for NaN in the training images"
    )
