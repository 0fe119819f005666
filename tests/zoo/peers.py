"""Networks of the plugin `peers`, answering as their authors' programs do, to be wrapped as anybody's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bridgetune_peers.gacn import GACN, boundary_filtered


class GACNWithMaps(nn.Module):
    """f(a, b) of gray images -> (a nearly hard map, the same, filtered at its boundary)."""

    def __init__(self, network: GACN) -> None:
        super().__init__()
        self.network = network

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        map_ = torch.sigmoid(self.network(a, b))
        return map_, boundary_filtered(map_, a, b)
