"""The Mamba block, and the parallel vision Mamba layer that BridgeMFF uses in place of deep convolutions."""

from __future__ import annotations

import math
from operator import attrgetter

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from bridgetune_bridgemff import fused
from bridgetune_bridgemff.layers import natively
from bridgetune_bridgemff.scan import selective_scan

STATES = 16
KERNEL = 4
EXPANSION = 2
CHUNKS = 4

_weights_of = attrgetter(*fused.WEIGHTS)

STEP_RANGE = (1e-3, 1e-1)
"""Between these Mamba's own start draws the step sizes, log-uniformly (Gu and Dao, 2023, section 3.6)."""


class MambaBlock(nn.Module):
    """A selective state space block (Gu and Dao, 2023), (batch, length, width) -> the same.

    It starts as Mamba does: small steps, so that a state fades over tens to thousands of tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = EXPANSION * width
        self.step_rank = math.ceil(width / 16)
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, KERNEL, padding=KERNEL - 1, groups=inner)
        self.x_proj = nn.Linear(inner, self.step_rank + 2 * STATES, bias=False)
        self.dt_proj = nn.Linear(self.step_rank, inner)
        self.A_log = nn.Parameter(torch.arange(1.0, STATES + 1).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)

        shortest, longest = (math.log(step) for step in STEP_RANGE)
        step = torch.empty(inner).uniform_(shortest, longest).exp()
        with torch.no_grad():
            self.dt_proj.weight.uniform_(-(self.step_rank**-0.5), self.step_rank**-0.5)
            self.dt_proj.bias.copy_(step.expm1().log())  # the inverse of softplus

    def forward(self, tokens: Tensor) -> Tensor:
        x, z = self.in_proj(tokens).chunk(2, dim=-1)
        x = self._mixed(x)
        dt, B, C = self.x_proj(x).split([self.step_rank, STATES, STATES], dim=-1)
        dt = F.linear(dt, self.dt_proj.weight)
        y: Tensor = self.out_proj(selective_scan(x, dt, -self.A_log.exp(), B, C, self.D, z, self.dt_proj.bias))
        return y

    def _mixed(self, x: Tensor) -> Tensor:
        """The causal convolution and SiLU, (batch, length, inner) -> the same."""
        x, length = x.transpose(1, 2), x.shape[1]
        x = self.conv1d(x)[..., :length]  # the padding is on both sides, causality on one
        return F.silu(x.transpose(1, 2).contiguous())


class ParallelVisionMamba(nn.Module):
    """The PVM layer of Eq. 13-16, (B, channels, H, W) -> (B, out_channels, H, W).

    The pixels, row by row, are the tokens; one Mamba block scans four chunks of the channels alike.
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.mamba = MambaBlock(channels // CHUNKS)
        self.theta = nn.Parameter(torch.ones(1))
        self.projection = nn.Linear(channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        if natively(x):
            answer: Tensor
            if torch.is_grad_enabled():
                answer, *_ = fused.vision_mamba_kept(x, self._weights(), CHUNKS, self.norm.eps)
            else:
                answer = fused.vision_mamba(x, self._weights(), CHUNKS, self.norm.eps)
            return answer
        tokens = self.norm(rearrange(x, "b c h w -> b (h w) c"))
        chunks = rearrange(tokens, "b l (k c) -> (k b) l c", k=CHUNKS)
        chunks = self.mamba(chunks) + self.theta * chunks
        tokens = self.norm(rearrange(chunks, "(k b) l c -> b l (k c)", k=CHUNKS))
        projected: Tensor = rearrange(self.projection(tokens), "b (h w) c -> b c h w", h=x.shape[2])
        return projected

    def _weights(self) -> list[Tensor]:
        """In the order of `fused.WEIGHTS`."""
        return list(_weights_of(self))
