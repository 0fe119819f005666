"""The best generator that a run has seen, by its map error on held-out pairs."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


class Best:
    """The weights with the lowest map error so far, and how long ago that was.

    Attributes:
        step: When; -1 where nothing was validated yet.
        map_error: In [0, 1]; infinite where nothing was validated yet.
        stale: Validations since then.
        weights: Of the network, on the CPU.
    """

    def __init__(self) -> None:
        self.step = -1
        self.map_error = math.inf
        self.stale = 0
        self.weights: dict[str, Tensor] = {}

    def consider(self, step: int, map_error: float, network: nn.Module) -> bool:
        """Whether this is the best so far; its weights are kept then."""
        if not map_error < self.map_error:
            self.stale += 1
            return False
        self.step, self.map_error, self.stale = step, map_error, 0
        self.weights = {name: value.to("cpu", copy=True) for name, value in network.state_dict().items()}
        return True

    def restore(self, network: nn.Module) -> None:
        """Give the network the best weights, where there are any."""
        if self.weights:
            with torch.no_grad():
                network.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return vars(self).copy()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's."""
        vars(self).update(state)
