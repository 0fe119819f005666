"""BridgeMFF as one writes it first, on the weights of ours: what the inference benchmark compares with.

Four calls of the Mamba block, a loop over tokens in each, and nothing fused.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgetune_bridgemff.mamba import MambaBlock, ParallelVisionMamba
from bridgetune_bridgemff.network import BridgeMFF


def plain(network: BridgeMFF, first: Tensor, second: Tensor) -> Tensor:
    """Logits (B, 1, H, W) of a pair (B, 3, H, W) in [-1, 1]."""
    body, x, maps = network.body, torch.cat([first, second], dim=1), []
    for stage in body.encoder:
        x = F.gelu(F.max_pool2d(stage.norm(layer(stage.layer, x)), 2))
        maps.append(x)
    bridged = bridge(body.bridge, maps)
    x = F.gelu(layer(body.bottom.layer, x))
    for stage, skip in zip(body.decoder, reversed(bridged), strict=True):
        x = stage.norm(layer(stage.layer, x))
        if hasattr(stage, "upsample"):
            x = doubled(x)
        x = F.gelu(x) + skip
    return doubled(F.conv2d(x, body.head.layer.weight, body.head.layer.bias))


def layer(module: torch.nn.Module, x: Tensor) -> Tensor:
    if not isinstance(module, ParallelVisionMamba):
        return F.conv2d(x, module.weight, module.bias, padding=module.padding, dilation=module.dilation)
    batch, _, height, width = x.shape
    tokens = module.norm(x.flatten(2).transpose(1, 2))
    chunks = [mamba(module.mamba, chunk) + module.theta * chunk for chunk in tokens.chunk(4, dim=2)]
    tokens = module.projection(module.norm(torch.cat(chunks, dim=2)))
    return tokens.transpose(1, 2).reshape(batch, -1, height, width)


def mamba(block: MambaBlock, tokens: Tensor) -> Tensor:
    length = tokens.shape[1]
    x, z = block.in_proj(tokens).chunk(2, dim=-1)
    x = F.silu(block.conv1d(x.transpose(1, 2))[..., :length].transpose(1, 2))
    dt, B, C = block.x_proj(x).split([block.step_rank, 16, 16], dim=-1)
    step = F.softplus(block.dt_proj(dt))
    decay = torch.exp(step.unsqueeze(-1) * -block.A_log.exp())
    drive = (step * x).unsqueeze(-1) * B.unsqueeze(2)
    h, outputs = torch.zeros_like(drive[:, 0]), []
    for t in range(length):
        h = decay[:, t] * h + drive[:, t]
        outputs.append((h * C[:, t].unsqueeze(1)).sum(-1))
    return block.out_proj((torch.stack(outputs, dim=1) + block.D * x) * F.silu(z))


def bridge(module: torch.nn.Module, maps: list[Tensor]) -> list[Tensor]:
    attended = []
    for t in maps:
        summary = torch.cat([t.mean(1, keepdim=True), t.max(1, keepdim=True)[0]], dim=1)
        attended.append(t * torch.sigmoid(layer(module.spatial, summary)))
    residual = [u + t for u, t in zip(attended, maps, strict=True)]
    averages = torch.cat([v.mean((2, 3)) for v in residual], dim=1)
    mixed = module.mixing(averages.unsqueeze(1)).squeeze(1)
    weights = [torch.sigmoid(linear(mixed))[:, :, None, None] for linear in module.channel]
    return [v * a + u for u, v, a in zip(attended, residual, weights, strict=True)]


def doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
