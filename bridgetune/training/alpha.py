"""α of Eq. 12: given, or held at what keeps the adversarial loss a set share of the gradient at the map."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

MEMORY = 0.95
"""Of the running means of both norms' logarithms: about the last twenty steps count."""

LEAST, MOST = 1e-8, 1e4
"""Bounds of α: a norm may vanish, once the supervised loss has nothing left to teach."""


class AdversarialWeight:
    """α for every step, as a tensor on the device: nothing waits for its value.

    Where it is `auto`, α is `share` · |supervised gradient| / |adversarial gradient|, both norms taken at the map,
    where the two losses part, and smoothed geometrically over the steps.

    Args:
        alpha: A number, or `auto`.
        share: Norm of α times the adversarial gradient over norm of the supervised one.
        device: Where the gradients are.
    """

    def __init__(self, alpha: float | Literal["auto"], share: float, device: torch.device) -> None:
        self._fixed = None if alpha == "auto" else torch.tensor(alpha, dtype=torch.float32, device=device)
        self._share = share
        self._means = torch.zeros(2, device=device)
        self._steps = torch.zeros((), device=device)

    def next(self, supervised: Tensor, adversarial: Tensor) -> Tensor:
        """α of this step.

        Args:
            supervised, adversarial: Norms of the two gradients at the map, scalars, of all processes together.
        """
        if self._fixed is not None:
            return self._fixed
        norms = torch.stack([supervised, adversarial]).float()
        seen = (torch.isfinite(norms) & (norms > 0)).all()
        logarithms = torch.where(seen, norms, 1.0).log()
        moved = MEMORY * self._means + (1 - MEMORY) * logarithms
        self._means = torch.where(seen, moved, self._means)
        self._steps = self._steps + seen
        # as of Adam's moments: the means begin at 0, which is no observation
        observed = self._means / (1 - MEMORY**self._steps).clamp_min(1 - MEMORY)
        return (self._share * torch.exp(observed[0] - observed[1])).clamp(LEAST, MOST)

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return {"means": self._means, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint's."""
        self._means = state["means"].to(self._means)
        self._steps = state["steps"].to(self._steps)


def norm(gradients: Tensor) -> Tensor:
    """The 2-norm of a gradient of any shape, per pair: a batch of any size gives the same.

    Args:
        gradients: (B, …) of losses that are means over the batch.
    """
    length: Tensor = torch.linalg.vector_norm(gradients.float())
    return length * math.sqrt(len(gradients))
