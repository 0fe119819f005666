"""A scene whose depth is known, as a lens shows it that is focused on one plane of it."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from bridgetune.data.blur import THINNEST, quick_disk_blurs

FINEST, COARSER = 21, 1.15
"""Layers are blurred by disks of every odd diameter up to the first; from there on each is larger by that factor."""

LARGEST_CELL = 64
"""Side of the largest squares, in pixels, in whose means what nearer layers hide is filled in."""

FAINT = 0.02
"""How much of a layer is what fills it in where it is hidden."""

TILE = 512
"""Side of the squares, in pixels, in which large pictures are composed."""


def focused(light: Tensor, depth: Tensor, focus: float, diameter: float) -> Tensor:
    """A scene with one of its planes in focus: what is far or near is blurred by a disk, and what is near spills over.

    The scene is cut into layers by how much each is blurred, before and behind the plane; a pixel between two belongs
    to both. From far to near each layer is blurred with its matte and laid over what is behind it; what nearer layers
    hide of it is filled from around. A layer's matte is the share that it has of what is as far as itself or farther,
    so that a slope, cut in thin layers, is blurred as one surface. It is composed in tiles: the memory beside the
    picture's does not grow with it.

    Args:
        light: All in focus, (3, H, W) float in [0, 1], linear.
        depth: (H, W) float, growing with the distance.
        focus: The depth that is in focus.
        diameter: Of the disk, in pixels, that blurs what is a depth of 1 away; with the lens as a thin one, depth is
            then the dioptre, and so is each of its steps in a stack of frames.

    Returns:
        (3, H, W).
    """
    offsets = (depth - focus) * diameter
    sizes = _sizes(float(offsets.abs().max()))
    spill = _sizes(max(float(-offsets.min()), 0.0))[-1]  # of the nearest, which uncovers most
    cell = _cell(spill)
    reach = cell * (sizes[-1] // cell + 2)
    shown = torch.empty_like(light)
    height, width = depth.shape
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            bottom, right = min(top + TILE, height), min(left + TILE, width)
            above, before = max(top - reach, 0), max(left - reach, 0)
            around = slice(above, min(bottom + reach, height)), slice(before, min(right + reach, width))
            tile = _composed(light[:, *around], offsets[around], sizes, spill)
            shown[:, top:bottom, left:right] = tile[:, top - above : bottom - above, left - before : right - before]
    return shown


def _composed(light: Tensor, offsets: Tensor, sizes: tuple[int, ...], spill: int) -> Tensor:
    """`focused` of one tile, of how far from the plane each pixel is, in diameters of its disk; negative before it."""
    places = _places(offsets, sizes)
    first, last = int(places.min().floor()), int(places.max().ceil())
    shown = light.clone()
    for layer in range(last, first - 1, -1):
        size = sizes[abs(layer)]
        own = (1 - (places - layer).abs()).clamp(min=0)
        box = _bounds(own, size // 2 + spill)
        if box is None:
            continue
        around = _grown(box, size // 2 + spill, own.shape, _cell(spill))
        visible = (places[around] - layer + 1).clamp(0, 1)
        own = own[around]
        layers = torch.cat([own * light[:, *around], own[None], visible[None]])
        if layer > first:
            layers = _filled(layers, spill)
        reached = _grown(box, size // 2, places.shape, _cell(spill))
        blurred = quick_disk_blurs(layers[None, :, *_within(reached, around)], [size])[0, :, *_within(box, reached)]
        colours, matte, all_ = torch.split(blurred, [3, 1, 1])
        behind = shown[:, *box]
        laid = (colours + (all_ - matte).clamp(min=0) * behind) / all_.clamp(min=THINNEST)
        shown[:, *box] = torch.where(all_ > THINNEST, laid, behind)
    return shown


def _cell(spill: int) -> int:
    """Side of the squares in whose means is filled in what a layer hides that spills over by so many pixels."""
    return min(1 << spill.bit_length(), LARGEST_CELL)


@cache
def _sizes(largest: float) -> tuple[int, ...]:
    """The diameters of the layers' disks, the first that of a single pixel, up to one that is no smaller."""
    sizes = [1, 3]
    while sizes[-1] < largest:
        step = 2 if sizes[-1] < FINEST else max(2, 2 * round(sizes[-1] * (COARSER - 1) / 2))
        sizes.append(sizes[-1] + step)
    return tuple(sizes)


def _places(offsets: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Between which layers each pixel lies: 0 in focus, 1 the first behind it, -1 the first before it, and so on.

    Two disks in such shares are as wide as the one between them: it is their second moments that are interpolated.
    """
    squares = torch.tensor([0, *(size**2 for size in sizes[1:])]).to(offsets)
    square = offsets**2
    upper = torch.bucketize(square, squares).clamp(1, len(sizes) - 1)
    lower = squares[upper - 1]
    return offsets.sign() * (upper - 1 + (square - lower) / (squares[upper] - lower))


Box = tuple[slice, slice]


def _bounds(matte: Tensor, reach: int) -> Box | None:
    """The rows and columns in which a matte is not 0, and that far around; None where it is nowhere."""
    sides = []
    for axis, length in enumerate(matte.shape):
        there = (matte > 0).any(dim=1 - axis).nonzero()
        if not len(there):
            return None
        start, stop = int(there[0]) - reach, int(there[-1]) + 1 + reach
        sides.append(slice(max(start, 0), min(stop, length)))
    return sides[0], sides[1]


def _grown(box: Box, reach: int, shape: tuple[int, ...], cell: int) -> Box:
    """That far around, from a multiple of `cell` on, so that a tile is filled by the same squares as the whole."""
    rows, columns = (
        slice(max(side.start - reach, 0) // cell * cell, min(side.stop + reach, length))
        for side, length in zip(box, shape, strict=True)
    )
    return rows, columns


def _within(box: Box, around: Box) -> Box:
    """The rows and columns of a box as those of what is around it count them."""
    rows, columns = (
        slice(side.start - outer.start, side.stop - outer.start) for side, outer in zip(box, around, strict=True)
    )
    return rows, columns


def _filled(layers: Tensor, spill: int) -> Tensor:
    """A layer's colours, its matte and that of all that is no nearer, (5, H, W), with what is hidden filled in.

    With what is seen nearest, at ever coarser sizes, as far as the nearest layer spills over; faint, so that it counts
    only where nothing that is seen is within reach of a disk.
    """
    hidden = layers[4:] == 0
    if not hidden.any():
        return layers
    return torch.where(hidden, FAINT * _extended(layers, _cell(spill).bit_length() - 1), layers)


def _extended(layers: Tensor, levels: int) -> Tensor:
    """Layers over the share that is seen, their last channel; where nothing is, those of the same at half the size."""
    seen = layers[-1:] > THINNEST
    shares = torch.where(seen, layers / layers[-1:].clamp(min=THINNEST), 0)
    if levels == 0 or seen.all():
        return shares
    height, width = layers.shape[1:]
    halved = avg_pool2d(pad(shares[None], (0, width % 2, 0, height % 2), mode="replicate"), 2)[0]
    coarse = _extended(halved, levels - 1)[None]
    around = interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[0, :, :height, :width]
    return torch.where(seen, shares, around)
