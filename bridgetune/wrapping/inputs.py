"""How a pair of images is handed to a network: every way of calling that `AdapterConfig` can say."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bridgetune.config import AdapterConfig

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""By position, and by name."""


def arguments(first: Tensor, second: Tensor, config: AdapterConfig) -> Arguments:
    """What the network is called with.

    Args:
        first, second: (B, C, H, W) in the network's own values.
        config: Of any `call` but `each`, which takes one image at a time, see `alone`.
    """
    extra = [_extra(name, first) for name in config.extra]
    images = arranged(first, second, config)
    if config.keywords and config.call != "dict":
        return (*config.prefix, *extra), dict(zip(config.keywords, images, strict=True))
    return (*config.prefix, *images, *extra), {}


def alone(image: Tensor, config: AdapterConfig) -> Arguments:
    """What the network is called with where it takes one image at a time."""
    extra = [_extra(name, image) for name in config.extra]
    image = image.permute(0, 2, 3, 1) if config.layout == "channels last" else image
    if config.keywords:
        return (*config.prefix, *extra), {config.keywords[0]: image}
    return (*config.prefix, image, *extra), {}


def arranged(first: Tensor, second: Tensor, config: AdapterConfig) -> list[Any]:
    """What holds the images among the arguments."""
    if config.layout == "channels last":
        first, second = first.permute(0, 2, 3, 1), second.permute(0, 2, 3, 1)
    channels = 3 if config.layout == "channels last" else 1
    match config.call:
        case "concat":
            return [torch.cat([first, second], channels)]
        case "list":
            return [[first, second]]
        case "tuple":
            return [(first, second)]
        case "stack":
            return [torch.stack([first, second], 1)]
        case "stacked channels":
            return [torch.stack([first, second], 2 if channels == 1 else 4)]
        case "batch":
            return [torch.cat([first, second])]
        case "dict":
            return [dict(zip(config.keywords, (first, second), strict=True))]
        case _:
            return [first, second]


def _extra(name: str, image: Tensor) -> Tensor | None:
    if name == "none":
        return None
    return torch.zeros_like(image[:, :1] if name == "zeros" else image)
