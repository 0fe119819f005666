"""BridgeMFF on large pictures: what it says of the whole, from a few rows at a time and in little memory.

The first layers see a strip of rows. Behind them the picture is a quarter and then an eighth as large, and what is
large is worked on a group of channels, or two channels, at a time. Natively all of it is, to the bit, what the
whole picture's layers compute; in torch operations within rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from bridgetune.releasing import release
from bridgetune_bridgemff import fused
from bridgetune_bridgemff.bridge import AttentionBridge
from bridgetune_bridgemff.layers import Convolution, Down, Up, groups_of, natively

if TYPE_CHECKING:
    from bridgetune_bridgemff.network import _UNet

ROWS = 64
"""Of a strip: a multiple of 32."""

LARGE = 40_000_000
"""Pixels beyond which memory is scarcer than time: the first stage's map, half of all that is held, is not held but
made again when the decoder asks for it, and what a stage leaves free is given back behind it."""

PAIR = 2
"""Channels whose means are taken at once: of one alone torch would add up in another order."""

Rows = Callable[[int, int], Tensor]


def logits_of(body: _UNet, rows: Rows, height: int, width: int, progress: Callable[[float], None]) -> Tensor:
    """Logits (B, 1, height, width) of a picture that is read a few rows at a time.

    Args:
        body: Of a generator.
        rows: First row and the one behind the last -> what `body` is given of them, (B, channels, rows, width).
        height, width: Multiples of 32.
        progress: Told the share that is done, in [0, 1].
    """
    large = height * width > LARGE
    first = cast(Down, body.encoder[0])

    def enter(start: float, share: float) -> Tensor:
        return _entered(first, rows, height, width, lambda done: progress(start + share * done))

    def tidy() -> None:
        if large:
            release()

    maps, spatial, averages = [enter(0, 0.4 if large else 0.6)], list[Tensor](), list[Tensor]()
    for following in (*cast(list[Down], list(body.encoder)[1:]), None):
        tidy()
        spatial.append(_spatial_attention(body.bridge, maps[-1]))  # while what comes behind is not there yet
        averages.append(_averages(maps[-1], spatial[-1]))
        tidy()
        if following is not None:
            maps.append(_next(following, maps[-1]))
        if large:
            maps[0] = _like(maps[0], 0)
    channel = body.bridge.channel_attention(averages)
    progress(0.5 if large else 0.7)
    x: Tensor = body.bottom(maps[-1])
    progress(0.55 if large else 0.8)
    for end in cast(list[Up], list(body.decoder)):
        convolved = isinstance(end.layer, Convolution)
        if convolved:
            x = end.layer(x)  # what it was made of need not be there any longer
        t = maps.pop()
        if not t.numel():
            tidy()
            t = enter(0.55, 0.35)
        tidy()
        _bridge(t, spatial.pop(), channel.pop())
        tidy()
        x = _doubled(end, x, t) if convolved else end(x, t)
        del t
    tidy()
    progress(0.95)
    for layer in body.head:
        x = layer(x)
    return x


def _next(stage: Down, x: Tensor) -> Tensor:
    return _halved(stage, x) if isinstance(stage.layer, Convolution) else stage(x)


def _entered(stage: Down, rows: Rows, height: int, width: int, progress: Callable[[float], None]) -> Tensor:
    """The first stage, which is shown each strip and a row more on either side."""
    shown = rows(0, 1)
    entered = _like(shown, len(shown), stage.norm.num_channels, height // 2, width // 2)
    if natively(shown):
        _enter(stage, rows, entered, progress)
    else:
        _enter_in_parts(stage, rows, entered, progress)
    return entered


def _enter(stage: Down, rows: Rows, entered: Tensor, progress: Callable[[float], None]) -> None:
    """Natively, no more than a strip is there at once."""
    layer, norm, height = _convolution(stage), stage.norm, 2 * entered.shape[2]
    pictures = [
        fused.Entering(norm.weight, norm.bias, norm.num_groups, norm.eps, entered[picture, None])
        for picture in range(len(entered))
    ]
    for start in range(0, height, ROWS):
        stop = min(start + ROWS, height)
        answer = layer(rows(max(start - 1, 0), min(stop + 1, height)))
        own = slice(min(start, 1), min(start, 1) + stop - start)
        for picture, entering in enumerate(pictures):
            entering.take(answer[picture, None, :, own], start)
        progress(stop / height)
    for entering in pictures:
        entering.end()


def _enter_in_parts(stage: Down, rows: Rows, entered: Tensor, progress: Callable[[float], None]) -> None:
    """Two groups of a picture's channels at a time."""
    layer, groups = _convolution(stage), groups_of(stage.norm.num_channels)
    parts = [slice(one.start, other.stop) for one, other in zip(groups[::2], groups[1::2], strict=True)]
    batch, height, width = len(entered), 2 * entered.shape[2], 2 * entered.shape[3]
    whole = _like(entered, 1, parts[0].stop, height, width)
    for number, part in enumerate(parts):
        for picture in range(batch):
            for start in range(0, height, ROWS):
                stop = min(start + ROWS, height)
                above, below = min(start, 1), min(height - stop, 1)
                answer = layer.some(rows(start - above, stop + below)[picture, None], part)
                whole[:, :, start:stop] = answer[:, :, above : answer.shape[2] - below]
                progress((number * batch + picture + stop / height) / (len(parts) * batch))
            for group in groups[2 * number : 2 * number + 2]:
                channels = slice(group.start - part.start, group.stop - part.start)
                entered[picture, None, group] = stage.ended(whole[:, channels], group)


def _halved(stage: Down, x: Tensor) -> Tensor:
    """A stage of a convolution: in strips, or a picture and a group of its channels at a time."""
    layer, (batch, _, height, width) = _convolution(stage), x.shape
    halved = _like(x, batch, stage.norm.num_channels, height // 2, width // 2)
    if natively(x) and width % (2 * fused.LANES) == 0:
        _enter(stage, lambda start, stop: x[:, :, start:stop], halved, lambda share: None)
        return halved
    for picture in range(batch):
        for group in groups_of(stage.norm.num_channels):
            halved[picture, None, group] = stage.ended(layer.some(x[picture, None], group), group)
    return halved


def _spatial_attention(bridge: AttentionBridge, t: Tensor) -> Tensor:
    """Of a map, (B, 1, H, W), in strips that are shown the rows beside them which have a say."""
    s, height = _like(t, len(t), 1, *t.shape[2:]), t.shape[2]
    reach = bridge.spatial.dilation[0] * (bridge.spatial.kernel_size[0] // 2)
    for picture in range(len(t)):
        for start in range(0, height, ROWS):
            stop, first = min(start + ROWS, height), max(start - reach, 0)
            answer = bridge.spatial(bridge.summary(t[picture, None, :, first : stop + reach]))
            s[picture, None, :, start:stop] = answer[:, :, start - first : stop - first]
    return s.sigmoid_()


def _averages(t: Tensor, s: Tensor) -> Tensor:
    """Of t s + t over each picture, (B, C)."""
    if natively(t):
        found: Tensor = fused.averages(t, s)
        return found
    averages, residual = _like(t, *t.shape[:2]), _like(t, 1, PAIR, *t.shape[2:])
    for picture in range(len(t)):
        for first in range(0, t.shape[1], PAIR):
            channels = slice(first, first + PAIR)
            pair = t[picture, None, channels]
            torch.mul(pair, s[picture, None], out=residual)
            residual += pair
            averages[picture, None, channels] = residual.mean(dim=(2, 3))
    return averages


def _bridge(t: Tensor, s: Tensor, a: Tensor) -> None:
    """(t s + t) a + t s, in the place of t."""
    if natively(t):
        fused.bridge_in_place(t, s, a)
        return
    attended = _like(t, *t.shape[2:])
    for picture in range(len(t)):
        for channel in range(t.shape[1]):
            one = t[picture, channel]
            torch.mul(one, s[picture, 0], out=attended)
            one += attended
            one *= a[picture, channel]
            one += attended


def _doubled(stage: Up, x: Tensor, skip: Tensor) -> Tensor:
    """What follows a stage's convolution, a picture and a group at a time, in the place of the skip."""
    for picture in range(len(x)):
        for group in groups_of(stage.norm.num_channels):
            place = picture, None, group
            skip[place] = stage.ended(x[place], skip[place], group)
    return skip


def _convolution(stage: Down) -> Convolution:
    assert isinstance(stage.layer, Convolution)
    return stage.layer


def _like(x: Tensor, *shape: int) -> Tensor:
    """Room for a tensor of the same type, on the same device."""
    return x.new_empty(shape)
