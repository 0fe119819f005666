"""How MSFIN passes what a coarse scale knows on to the next finer one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bridgetune.devices import laid_out
from bridgetune_msfin.layers import average, conv_norm_relu, resized


class Merge(nn.Module):
    """Fine (B, fine_width, H, W) and coarse (B, coarse_width, h, w) -> (B, fine_width, H, W).

    The coarse map, brought to the fine one's width and size, is added to it after it has been attended to.
    """

    def __init__(self, fine_width: int, coarse_width: int) -> None:
        super().__init__()
        self.narrow = conv_norm_relu(coarse_width, fine_width, kernel_size=1)
        self.attention = CoordinateAttention(2 * fine_width, fine_width)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        coarse = resized(self.narrow(coarse), like=fine)
        return torch.addcmul(coarse, fine, self.attention(fine, coarse))


class CoordinateAttention(nn.Module):
    """Weights in [0, 1] for each channel's rows and columns (Hou et al., 2021).

    Maps (B, c, H, W) that together have `channels` -> (B, out_channels, H, W), the product of a weight for the row and
    one for the column.
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        width = max(channels // 16, 4)
        self.mix = nn.Sequential(nn.Conv2d(channels, width, kernel_size=1), nn.BatchNorm2d(width), nn.Hardswish())
        self.rows = nn.Conv2d(width, out_channels, kernel_size=1)
        self.columns = nn.Conv2d(width, out_channels, kernel_size=1)

    def forward(self, *maps: Tensor) -> Tensor:
        height, width = maps[0].shape[2:]
        rows = torch.cat([average(x, (3,)) for x in maps], dim=1)
        columns = torch.cat([average(x, (2,)) for x in maps], dim=1).transpose(2, 3)
        rows, columns = self.mix(torch.cat([rows, columns], dim=2)).split([height, width], dim=2)
        weights = self.rows(rows), self.columns(columns.transpose(2, 3))
        rows, columns = (torch.sigmoid(laid_out(each, each.shape[1])) for each in weights)
        return rows * columns
