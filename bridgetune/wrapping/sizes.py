"""Pictures of any size for networks of one: in tiles, resized, or patch by patch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from bridgetune.config import AdapterConfig

Ask = Callable[[Tensor, Tensor], Tensor]
"""What a network says of a pair (B, 3, side, side): (B, C, side, side), or of patches (B, C, 1, 1)."""

OVERLAP = 4
"""Neighbouring tiles share a fourth of their side at least."""

AT_ONCE = 1024
"""Patches in a batch."""


def asked_at_one_side(ask: Ask, first: Tensor, second: Tensor, config: AdapterConfig) -> Tensor:
    """What a network that takes squares of one side says of a pair of any size, as `AdapterConfig.fit` has it.

    Args:
        ask: See `Ask`.
        first, second: (B, 3, H, W).
        config: Whose `side` is set.

    Returns:
        (B, C, H, W).
    """
    assert config.side is not None
    if config.fit == "patches":
        return _of_patches(ask, first, second, config.side, config.step)
    if config.fit == "resize":
        return _of_resized(ask, first, second, config.side)
    return _of_tiles(ask, first, second, config.side)


def _of_resized(ask: Ask, first: Tensor, second: Tensor, side: int) -> Tensor:
    sides = first.shape[-2:]
    if sides == (side, side):
        return ask(first, second)
    images = (interpolate(image, (side, side), mode="bilinear", antialias=True) for image in (first, second))
    return interpolate(ask(*images), sides, mode="bilinear")


def _of_tiles(ask: Ask, first: Tensor, second: Tensor, side: int) -> Tensor:
    """Blended by weights that fall linearly to a tile's edge."""
    height, width = first.shape[-2:]
    below, right = max(side - height, 0), max(side - width, 0)
    first, second = (extended(image, (0, below), (0, right)) for image in (first, second))
    rows, columns = list(_starts(first.shape[-2], side)), list(_starts(first.shape[-1], side))
    if len(rows) == len(columns) == 1:
        return ask(first, second)[..., :height, :width]
    ramp = torch.arange(1, side + 1, device=first.device, dtype=torch.float32)
    ramp = torch.minimum(ramp, ramp.flip(0)) / side
    weight = ramp[:, None] * ramp
    total: Tensor | None = None
    weights = weight.new_zeros(first.shape[-2:])
    for row in rows:
        for column in columns:
            tile = (..., slice(row, row + side), slice(column, column + side))
            answer = ask(first[tile], second[tile]) * weight
            if total is None:
                total = answer.new_zeros((*answer.shape[:2], *first.shape[-2:]))
            total[tile] = total[tile] + answer
            weights[tile] += weight
    assert total is not None
    return (total / weights)[..., :height, :width]


def _starts(length: int, side: int) -> Iterator[int]:
    """Where tiles begin, the last one at the end: evenly, and no further apart than their overlap allows."""
    steps = -(-(length - side) // max(side - side // OVERLAP, 1))
    yield from (round(step * (length - side) / steps) for step in range(steps)) if steps else ()
    yield length - side


def _of_patches(ask: Ask, first: Tensor, second: Tensor, side: int, step: int) -> Tensor:
    """An answer for each patch, at the patch's centre, and what lies between by bilinear interpolation."""
    batch, _, height, width = first.shape
    counts = [-(-length // step) for length in (height, width)]
    before = max((side - step) // 2, 0)
    patches = []
    for image in (first, second):
        (up, down), (left, right) = (
            (before, max((count - 1) * step + side - before - length, 0))
            for count, length in zip(counts, (height, width), strict=True)
        )
        padded = extended(image, (up, down), (left, right))
        cut = padded.unfold(2, side, step).unfold(3, side, step)[:, :, : counts[0], : counts[1]]
        patches.append(cut.permute(0, 2, 3, 1, 4, 5).reshape(-1, image.shape[1], side, side))
    parts = (torch.split(images, AT_ONCE) for images in patches)
    answers = torch.cat([ask(*pair) for pair in zip(*parts, strict=True)])
    grid = answers.reshape(batch, *counts, -1).permute(0, 3, 1, 2)
    return interpolate(grid, scale_factor=step, mode="bilinear")[..., :height, :width]


def extended(image: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """(B, C, H, W) with so many rows and columns before and behind it, by reflection, as often as it takes."""
    for axis, (before, behind) in ((-2, rows), (-1, columns)):
        if before or behind:
            side = image.shape[axis]
            period = max(2 * (side - 1), 1)
            position = torch.arange(-before, side + behind, device=image.device) % period
            image = image.index_select(axis, torch.where(position < side, position, period - position))
    return image
