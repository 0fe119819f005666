"""How images are handed to a network, two or more: every way of calling that `AdapterConfig` can say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bridgetune.config import AdapterConfig
from bridgetune.config.adapter import Extra

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""By position, and by name."""


def arguments(images: Sequence[Tensor], config: AdapterConfig) -> Arguments:
    """What the network is called with.

    Args:
        images: (B, C, H, W) each, in the network's own values.
        config: Of any `call` but `each`, which takes one image at a time, see `alone`.
    """
    extra = [_extra(one, images[0]) for one in config.extra]
    held = arranged(images, config)
    if config.keywords and config.call != "dict":
        return (*config.prefix, *extra), dict(zip(config.keywords, held, strict=True))
    return (*config.prefix, *held, *extra), {}


def alone(image: Tensor, config: AdapterConfig) -> Arguments:
    """What the network is called with where it takes one image at a time."""
    extra = [_extra(one, image) for one in config.extra]
    image = image.permute(0, 2, 3, 1) if config.layout == "channels last" else image
    if config.keywords:
        return (*config.prefix, *extra), {config.keywords[0]: image}
    return (*config.prefix, image, *extra), {}


def arranged(images: Sequence[Tensor], config: AdapterConfig) -> list[Any]:
    """What holds the images among the arguments."""
    if config.layout == "channels last":
        images = [image.permute(0, 2, 3, 1) for image in images]
    channels = 3 if config.layout == "channels last" else 1
    match config.call:
        case "concat":
            return [torch.cat(list(images), channels)]
        case "list":
            return [list(images)]
        case "tuple":
            return [tuple(images)]
        case "stack":
            return [torch.stack(list(images), 1)]
        case "stacked channels":
            return [torch.stack(list(images), 2 if channels == 1 else 4)]
        case "batch":
            return [torch.cat(list(images))]
        case "dict":
            return [dict(zip(config.keywords, images, strict=True))]
        case _:
            return list(images)


def _extra(asked: Extra, image: Tensor) -> Any:
    match asked:
        case "none":
            return None
        case "zeros":
            return torch.zeros_like(image[:, :1])
        case "black":
            return torch.zeros_like(image)
        case _:
            return asked
