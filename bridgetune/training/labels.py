"""Labels of unlabelled pairs that nobody gave: the network's own decisions, overruled where a region votes otherwise.

With logits l and evidence e, both positive for the first image, a region's vote is v = 4·box(clamp(e, ±4)), the mean
being over the square around a pixel, and the label y = [l + v >= 0]. Along the seam, where the square sees both sides,
nobody votes. Pseudo-labels: Lee, ICML Workshops 2013. Experimental.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bridgetune.config.training import Labelling
from bridgetune.discriminators import PairJudge
from bridgetune.regions import box

BOUND = 4.0
"""Of the evidence of a pixel, as a logit."""

STRENGTH = 4.0
"""Of a vote beside the network's own logit."""


@dataclass(frozen=True)
class Labels:
    """What is taken for the truth of unlabelled pairs.

    Attributes:
        labelling: `votes`, of `judge`; `smoothed`, of the network's own logits; `pseudo`, without any.
        judge: For `votes`.
    """

    labelling: Labelling
    judge: PairJudge | None = None

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor, logits: Tensor) -> Tensor:
        """1 for the first image and 0 for the second, (B, 1, H, W) in the logits' dtype.

        Args:
            first, second: The pairs, (B, 3, H, W) in [0, 1].
            logits: The network's own, (B, 1, H, W).
        """
        if self.labelling == "pseudo":
            return (logits >= 0).to(logits.dtype)
        evidence = logits if self.judge is None else self.judge(first, second)
        return overruled(logits, evidence)


def overruled(logits: Tensor, evidence: Tensor) -> Tensor:
    """y = [l + v >= 0], with v = 0 where the window sees both regions that the network itself decides for.

    These are the regions of the smoothed logits: in a map like salt and pepper every window sees both decisions.

    Args:
        logits: l, (B, 1, H, W).
        evidence: e, (B, 1, H, W), positive for the first image.
    """
    first = box((box(logits.clamp(-BOUND, BOUND)) >= 0).to(logits.dtype))
    votes = STRENGTH * box(evidence.clamp(-BOUND, BOUND))
    return (logits + torch.where((first > 0) & (first < 1), 0, votes) >= 0).to(logits.dtype)
