"""A small network with BatchNorm, wrapped and saved."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from bridgetune import Adapter, AdapterConfig, wrap


def network(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(6, width, 3, padding=1), nn.BatchNorm2d(width), nn.Conv2d(width, 1, 1))


def saved(folder: Path) -> Adapter:
    generator = wrap(network(), AdapterConfig(call="concat", multiple=2))
    generator.save_pretrained(folder, facts={"α": "1e-4"})
    return generator
