"""The adapter on pictures that are too large to be shown to a network whole: the same map, in bounded memory.

All that an adapter asks - in both orders, of mirror images, at several sizes - is asked of views that are read a piece
at a time: in strips of a network that can do so, see `InStrips`, in overlapping tiles of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bridgetune.devices import device_of
from bridgetune.protocol import InStrips
from bridgetune.releasing import release
from bridgetune.wrapping.adapter import MIRRORINGS, Adapter, antisymmetric, in_both_orders
from bridgetune.wrapping.inputs import arranged
from bridgetune.wrapping.reading import read_logits
from bridgetune.wrapping.scales import ENLARGED, combine_strip, enlarged, halved, refined
from bridgetune.wrapping.tiles import map_in_tiles
from bridgetune.wrapping.views import Pixels, View

TOGETHER = 40_000_000
"""Pixels up to which a network is asked in both orders at once, as it is of small pictures. Beyond, one after the
other: the same within rounding, and half of the memory."""

STRIP = 256
"""Rows of the map that are worked on at once."""

Progress = Callable[[float], None]


def map_in_pieces(adapter: Adapter, first: Pixels, second: Pixels, progress: Progress) -> Tensor:
    """What the adapter says of a pair in eval mode, read a piece at a time.

    Args:
        adapter: In eval mode.
        first, second: (H, W, 3) uint8 or uint16, both the same.
        progress: Told the share that is done, in [0, 1].

    Returns:
        (H, W) logits: of a network in strips those of the whole, to the bit up to `TOGETHER` pixels, enlarged where it
        is so shown; of one in tiles within rounding, see `map_in_tiles`.
    """
    reductions = [ENLARGED] * adapter.config.enlarged + [*adapter.config.reductions]
    costs = [1 / reduction**2 for reduction in reductions]
    before = [sum(costs[:place]) / sum(costs) for place in range(len(costs) + 1)]
    finest: Tensor | None = None
    coarser: Tensor | None = None
    for place, reduction in enumerate(reductions):
        said = _of_mirror_images(adapter, (first, second), reduction, _part(progress, *before[place : place + 2]))
        if reduction > 1:
            coarser = said if coarser is None else coarser.add_(said)
        else:
            finest = said if finest is None else refined(said, finest)
    assert finest is not None
    map_ = finest if coarser is None else _combined(finest, coarser)
    progress(1.0)
    return map_[0, 0]


def reads_strips(adapter: Adapter) -> bool:
    """Whether the adapter's network can be asked in strips."""
    return isinstance(adapter.network, InStrips) and adapter.config.local


def _combined(finest: Tensor, coarser: Tensor) -> Tensor:
    """`scales.combined` in strips."""
    result = torch.empty_like(finest)
    for start in range(0, finest.shape[-2], STRIP):
        rows = slice(start, min(start + STRIP, finest.shape[-2]))
        result[..., rows, :] = combine_strip(finest, coarser[..., rows, :], rows)
    return result


def _halved(logits: Tensor) -> Tensor:
    """`scales.halved` in strips."""
    height, width = (side // 2 for side in logits.shape[-2:])
    result = logits.new_empty(1, 1, height, width)
    for start in range(0, height, STRIP):
        stop = min(start + STRIP, height)
        result[..., start:stop, :] = halved(logits[..., 2 * start : 2 * stop, :])
    return result


def _of_mirror_images(adapter: Adapter, pictures: Sequence[Pixels], reduction: float, progress: Progress) -> Tensor:
    """(1, 1, H, W)."""
    mirrorings = MIRRORINGS if adapter.config.mirrored else MIRRORINGS[:1]
    device, (height, width) = device_of(adapter), pictures[0].shape[:2]
    total: Tensor | None = None
    for number, axes in enumerate(mirrorings):
        view = View(pictures, adapter.config, axes, reduction, device)
        shares = number / len(mirrorings), (number + 1) / len(mirrorings)
        map_ = _asked(adapter, view, _part(progress, *shares))
        if reduction == ENLARGED:
            map_ = _halved(map_)
        elif reduction > 1:
            map_ = enlarged(map_, int(reduction))[..., :height, :width]
        map_ = map_.flip(axes) if axes else map_
        total = map_ if total is None else total.add_(map_)
    assert total is not None
    return total if len(mirrorings) == 1 else total.div_(len(mirrorings))


def _asked(adapter: Adapter, view: View, progress: Progress) -> Tensor:
    """(1, 1, h, w), in both orders where the adapter asks so."""
    if not reads_strips(adapter):
        return map_in_tiles(adapter, view, progress)
    if not adapter.config.symmetric:
        return _in_strips(adapter, view, lambda first, second: (first, second), 1, progress)
    if view.size[0] * view.size[1] <= TOGETHER:
        return antisymmetric(_in_strips(adapter, view, in_both_orders, 2, progress))
    release()
    given = _in_strips(adapter, view, lambda first, second: (first, second), 1, _part(progress, 0, 0.5))
    release()
    given.sub_(_in_strips(adapter, view, lambda first, second: (second, first), 1, _part(progress, 0.5, 1)))
    release()
    return given.div_(2)


def _in_strips(
    adapter: Adapter,
    view: View,
    order: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    batch: int,
    progress: Progress,
) -> Tensor:
    """(batch, 1, h, w)."""

    def rows(start: int, stop: int) -> list[Tensor]:
        return arranged(order(*map(adapter.domain.converted, view.piece(slice(start, stop)))), adapter.config)

    network, (height, width) = adapter.network, view.padded
    assert isinstance(network, InStrips)
    answer = network.in_strips(rows, height, width, progress)
    logits = read_logits(answer, adapter.config, adapter.config.item)
    return adapter.at_size(logits, (batch, 3, *view.size))


def _part(progress: Progress, start: float, stop: float) -> Progress:
    """Of a part of the work, told as a share of the whole."""
    return lambda share: progress(start + (stop - start) * share)
