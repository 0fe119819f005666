"""A network's answer as mask logits: which output it is, what its numbers are, which image they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import torch
from torch import Tensor

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError

PROBABILITY_MARGIN = 1e-6
"""A probability read from a network counts as at least this far from 0 and 1: logits stay within ±13.8."""

Item = int | str | tuple[int | str, int | str] | None
"""See `AdapterConfig.item`."""


def read_logits(answer: object, config: AdapterConfig, item: Item) -> Tensor:
    """A network's answer as mask logits (B, 1, h, w), positive where the first image is in focus.

    Args:
        answer: What the network returned.
        config: How to read it; `output` is any but `fused`, which takes the sources as well.
        item: Which of several outputs.

    Raises:
        RequestError: Where the answer is not what `config` says.
    """
    if isinstance(item, tuple):
        planes = [_channels(answer, config, one, 1) for one in item]
        output = torch.cat([plane[:, :1] for plane in planes], 1)
    else:
        output = _channels(answer, config, item, 2 if config.paired else config.channel + 1)
    chosen = output[:, config.channel, None]
    match config.output:
        case "probability":
            logits = probability_to_logits(chosen)
        case "tanh":
            logits = probability_to_logits((chosen + 1) / 2)
        case "softmax":
            logits = chosen - output[:, 1 - config.channel, None]
        case "complementary":
            logits = probability_to_logits((chosen + 1 - output[:, 1 - config.channel, None]) / 2)
        case _:
            logits = chosen
    return logits if config.orientation == "first" else -logits


def read_scores(answer: object, config: AdapterConfig, count: int) -> Tensor:
    """What a network that takes any number of images says of each, (B, count, h, w) logits.

    Args:
        answer: What the network returned for so many images.
        config: How to read it; `output` is `softmax` or `complementary`.
        count: How many it was shown.

    Raises:
        RequestError: Where the answer is not what `config` says.
    """
    if isinstance(config.item, tuple):
        first = config.item[0]
        assert isinstance(first, int)
        scores = torch.cat([_channels(answer, config, first + place, 1)[:, :1] for place in range(count)], 1)
    else:
        scores = _channels(answer, config, config.item, count)
    if scores.shape[1] != count:
        raise RequestError(f"the network answers with {scores.shape[1]} maps for {count} images, expected one each")
    return scores if config.output == "softmax" else probability_to_logits(scores)


def read_picture(answer: object, config: AdapterConfig) -> Tensor:
    """The fused picture (B, C, h, w) of an end-to-end network, in the values of its input.

    Raises:
        RequestError: Where the answer is not what `config` says.
    """
    item = config.item
    assert not isinstance(item, tuple)
    output = _channels(answer, config, item, config.channel + config.channels)
    return output[:, config.channel : config.channel + config.channels]


def _channels(answer: object, config: AdapterConfig, item: int | str | None, least: int) -> Tensor:
    """An output as (B, C, h, w), at least float32."""
    output = without_frame_axis(_selected(answer, item))
    if output.ndim == 4 and config.layout == "channels last":
        output = output.permute(0, 3, 1, 2)
    if output.ndim == 3:
        output = output.unsqueeze(1)
    if config.fit == "patches" and output.ndim in (1, 2):
        output = output.reshape(len(output), -1, 1, 1)
    if output.ndim != 4 or output.shape[1] < least:
        raise RequestError(
            f"the network's map has shape {tuple(output.shape)}, expected (B, C, H, W) with C >= {least};"
            " set item= and channel= of AdapterConfig to the map"
        )
    return output.float() if output.dtype in (torch.float16, torch.bfloat16) else output


def without_frame_axis(output: Tensor) -> Tensor:
    """(B, N, h, w) of one channel for each of N images, (B, N, 1, h, w) or (B, 1, N, h, w); others as they are."""
    axis = next((axis for axis in (2, 1) if output.ndim == 5 and output.shape[axis] == 1), None)
    return output if axis is None else output.squeeze(axis)


def probability_to_logits(probability: Tensor) -> Tensor:
    """log(p / (1-p)), finite and with a finite gradient at p = 0 and 1.

    Args:
        probability: Any shape; values beyond [0, 1] are clamped, and have no gradient.
    """
    inner = PROBABILITY_MARGIN + (1 - 2 * PROBABILITY_MARGIN) * probability.clamp(0, 1)
    return torch.log(inner) - torch.log1p(-inner)


def _selected(answer: object, item: int | str | None) -> Tensor:
    """The tensor that `item` names in what the network returned."""
    chosen: Any = answer
    if item is not None:
        try:
            chosen = _at(answer, item)
        except (KeyError, IndexError, TypeError, ValueError):
            raise RequestError(
                f"the network returned {outline(answer)}, which has no item {item!r}; set item= of AdapterConfig"
            ) from None
    if not isinstance(chosen, Tensor):
        raise RequestError(
            f"the network returned {outline(chosen)}, expected a tensor; set item= of AdapterConfig to the map"
        )
    return chosen


def _at(answer: Any, item: int | str) -> Any:
    """What `item` names: a place, a key, or several of them with points between."""
    if isinstance(item, int):
        return answer[item]
    if item in parts_of(answer):
        return parts_of(answer)[item]
    for name in item.split("."):
        parts = parts_of(answer)
        answer = parts[name if name in parts else int(name)]
    return answer


def parts_of(answer: object) -> Mapping[Any, Any]:
    """What a container holds, by key or place; a dataclass's fields, by their names; of anything else nothing."""
    if isinstance(answer, Mapping):
        return answer
    if isinstance(answer, tuple | list):
        return dict(enumerate(answer))
    return vars(answer) if is_dataclass(answer) and not isinstance(answer, type) else {}


def outline(answer: object) -> str:
    if isinstance(answer, Mapping):
        return f"a dictionary with {', '.join(map(repr, answer))}"
    if isinstance(answer, tuple | list):
        return f"a {type(answer).__name__} of {len(answer)}"
    if isinstance(answer, Tensor):
        return f"a tensor {tuple(answer.shape)}"
    if parts := parts_of(answer):
        return f"a {type(answer).__name__} of {', '.join(map(str, parts))}"
    return f"a {type(answer).__name__}"
