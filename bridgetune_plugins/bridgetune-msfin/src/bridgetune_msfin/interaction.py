"""How the scales of MSFIN interact: each listens to its neighbours and chooses between them, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from bridgetune_msfin.layers import average, conv_norm_relu, resized


class Interaction(nn.Module):
    """The interaction module of one scale.

    Maps (B, widths[i], H_i, W_i), finest first -> one map of the shape of maps[scale].

    Args:
        widths: Of the maps of all scales, finest first.
        scale: Which of them this module serves.
    """

    def __init__(self, widths: Sequence[int], scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.sources = range(max(scale - 1, 0), min(scale + 2, len(widths)))
        self.branches = nn.ModuleList(_branch(widths[i], widths[scale], finer=scale - i) for i in self.sources)
        activation = nn.PReLU() if scale == 0 else nn.ReLU()
        self.attention = BranchAttention(widths[scale], len(self.sources), activation)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        own = maps[self.scale]
        branches = [resized(branch(maps[i]), like=own) for i, branch in zip(self.sources, self.branches, strict=True)]
        chosen: Tensor = self.attention(branches)
        return chosen


class BranchAttention(nn.Module):
    """Selective-kernel attention (Li et al., 2019): branches (B, width, H, W) -> their weighted sum, the same shape.

    Each channel's weights are a softmax over the branches, from the global average of their sum.
    """

    def __init__(self, width: int, branches: int, activation: nn.Module) -> None:
        super().__init__()
        reduced = max(width // 16, 4)
        self.squeeze = nn.Sequential(nn.Conv2d(width, reduced, kernel_size=1, bias=False), activation)
        self.scores = nn.ModuleList(nn.Conv2d(reduced, width, kernel_size=1, bias=False) for _ in range(branches))

    def forward(self, branches: Sequence[Tensor]) -> Tensor:
        summary = self.squeeze(reduce(torch.add, [average(branch, (2, 3)) for branch in branches]))
        weights = torch.stack([score(summary) for score in self.scores]).softmax(dim=0)
        chosen = weights[0] * branches[0]
        for weight, branch in zip(weights[1:], branches[1:], strict=True):
            chosen = torch.addcmul(chosen, weight, branch)
        return chosen


def _branch(channels: int, width: int, finer: int) -> nn.Sequential:
    """To the module's width, from a map `finer` by 1, 0 or -1 scales; a coarser map keeps its size."""
    branch = nn.Sequential(conv_norm_relu(channels, width, kernel_size=1))
    if finer >= 0:
        branch.append(conv_norm_relu(width, width, kernel_size=3, stride=2**finer))
    return branch
