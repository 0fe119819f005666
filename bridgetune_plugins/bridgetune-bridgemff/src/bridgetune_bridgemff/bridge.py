"""The attention bridge: what the encoder's maps pass through on their way to the decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bridgetune_bridgemff import fused
from bridgetune_bridgemff.layers import Convolution, Summary, natively


class AttentionBridge(nn.Module):
    """Spatial attention on each map, then channel attention over all of them together.

    Maps (B, widths[i], H_i, W_i) -> maps of the same shapes. With s the spatial and a the channel attention,
    a map t becomes (t s + t) a + t s.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.summary = Summary()
        self.spatial = Convolution(2, 1, kernel_size=7, dilation=3)
        self.mixing = nn.Conv1d(1, 1, kernel_size=3, padding=1, bias=False)
        self.channel = nn.ModuleList(nn.Linear(sum(widths), width) for width in widths)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        spatial = [self.spatial_attention(t) for t in maps]
        if natively(maps[0]):
            averages = [fused.averages(t, s) for t, s in zip(maps, spatial, strict=True)]
            return [fused.bridged(*each) for each in zip(maps, spatial, self.channel_attention(averages), strict=True)]
        attended = [t * s for t, s in zip(maps, spatial, strict=True)]
        residual = [u + t for u, t in zip(attended, maps, strict=True)]
        weights = self.channel_attention([v.mean(dim=(2, 3)) for v in residual])
        return [v * a[..., None, None] + u for u, v, a in zip(attended, residual, weights, strict=True)]

    def spatial_attention(self, t: Tensor) -> Tensor:
        """s of a map t, (B, 1, H, W)."""
        return torch.sigmoid(self.spatial(self.summary(t)))

    def channel_attention(self, averages: Sequence[Tensor]) -> list[Tensor]:
        """a of each map, (B, C), of the averages of t s + t over each picture, (B, C)."""
        mixed = self.mixing(torch.cat(list(averages), dim=1).unsqueeze(1)).squeeze(1)
        return [torch.sigmoid(linear(mixed)) for linear in self.channel]
