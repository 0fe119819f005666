"""One reading of what a network answers, and how it is told from others: by what it decides on a pair that is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from bridgetune.config import AdapterConfig
from bridgetune.wrapping.known_pair import sides_of

SURE = 0.8
"""From this share of right decisions on, or below 1 minus it, a network is taken to tell sharp from blurred."""

LIKE, SAME = 0.98, 0.995
"""Share of pixels from which on two readings decide alike; and correlation from which on their numbers are the same."""

SATURATED, MOSTLY = 1e-3, 0.9
"""Where a share of `MOSTLY` of a map's pixels is this near to 0 or 1, hardly any gradient comes back."""


@dataclass(frozen=True)
class Candidate:
    """One reading of one output, or of two.

    Attributes:
        config: The whole of it, ready to paste.
        because: What it was based on.
        agreement: Share of right decisions on a pair whose map is known, 0.5 being chance.
        logits: Of the known pair and of its reverse, (2, 1, H, W).
        bounded: Whether its last operation bounds it.
    """

    config: AdapterConfig
    because: str
    agreement: float
    logits: Tensor = field(repr=False)
    bounded: bool = False

    @property
    def responds(self) -> bool:
        """Whether it tells sharp from blurred."""
        return self.agreement >= SURE

    @property
    def fused(self) -> bool:
        """Whether it is the picture of an end-to-end network."""
        return self.config.output == "fused"

    @property
    def saturated(self) -> bool:
        """Whether hardly any gradient comes back."""
        probability = torch.sigmoid(self.logits)
        near = (probability < SATURATED) | (probability > 1 - SATURATED)
        return float(near.float().mean()) >= MOSTLY

    def decides_like(self, other: Candidate) -> bool:
        """Whether both are one map: the same decisions, and numbers that go together where neither tells anything."""
        if self.logits.shape != other.logits.shape:
            return False
        same = float(((self.logits >= 0) == (other.logits >= 0)).float().mean())
        if self.responds and other.responds:
            return same >= LIKE
        together = correlation(self.logits, other.logits)
        return abs(together) >= SAME and (same >= LIKE if together > 0 else same <= 1 - LIKE)


def agreement(logits: Tensor) -> float:
    """Share of right decisions on the known pair and on its reverse, the focus boundary left out; a 0 is half right."""
    shares = []
    for place, in_focus in ((0, 0), (1, 1)):
        sides = sides_of(logits[place])
        shares.append((_positive(sides[in_focus]) + _positive(-sides[1 - in_focus])) / 2)
    return sum(shares) / 2


def _positive(logits: Tensor) -> float:
    """Share of them, what is neither positive nor negative counting half."""
    return float((1 + logits.sign().nan_to_num()).mean()) / 2


def correlation(one: Tensor, other: Tensor) -> float:
    """Of all their values; 0 where one has hardly any contrast."""
    if min(float(one.std()), float(other.std())) < 1e-6:
        return 0.0
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])
