"""What a network answers: which output is the map, what its numbers are, and which image they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.pictures.color import LUMA
from bridgetune.wrapping.adapter import Adapter, outline, read_logits
from bridgetune.wrapping.calls import Call
from bridgetune.wrapping.known_pair import blurred, half_and_half, sides_of, texture
from bridgetune.wrapping.observing import tensors_of, undisturbed

BOUNDED = ("Sigmoid", "Softmax", "Tanh", "Clamp", "Hardtanh", "Hardsigmoid")
"""Autograd nodes whose result is bounded."""

PASSING = (
    *("View", "Reshape", "Select", "Slice", "Squeeze", "Unsqueeze", "Permute", "Transpose", "Expand", "Clone", "Alias"),
    *("Split", "Unbind", "Cat", "Stack", "Upsample", "AvgPool", "MaxPool", "Index", "ToCopy", "Unsafe", "T"),
    *("ConstantPad", "ReflectionPad", "ReplicationPad", "AdaptiveAvgPool"),
    *("Add", "Sub", "Rsub", "Mul", "Div", "Neg", "Mean"),
)
"""Autograd nodes whose result is bounded where all they are made of is: they move, average, shift or scale."""

SURE = 0.8
"""From this share of right decisions on, or below 1 minus it, a network is taken to tell sharp from blurred."""

IMAGE_LIKE = 0.9
"""An output that correlates with the picture like this, where nothing is to choose, is a picture and no map."""


@dataclass(frozen=True)
class Candidate:
    """One reading of one output.

    Attributes:
        config: The whole of it, ready to paste.
        because: What it was based on.
        agreement: Share of right decisions on a pair whose map is known, 0.5 being chance.
    """

    config: AdapterConfig
    because: str
    agreement: float

    @property
    def responds(self) -> bool:
        """Whether it tells sharp from blurred."""
        return self.agreement >= SURE


def candidates(network: nn.Module, call: Call) -> list[Candidate]:
    """Every reading of the network's answer as a decision map that a gradient comes through.

    Raises:
        RequestError: There is none, and why.
    """
    name = type(network).__name__
    tensors = tensors_of(call.answer)
    excuse = call.observed.excuse()
    if call.observed.optimised:
        raise RequestError(f"{name} cannot be tuned: {excuse}; BridgeTune tunes one network for all images")
    if not tensors:
        reason = excuse or f"it returned {outline(call.answer)}"
        raise RequestError(f"{name} cannot be tuned: {reason}, and no gradient comes back; return the map as a tensor")
    maps = {item: output for item, output in tensors.items() if _is_map_shaped(output, call)}
    if not maps:
        shapes = ", ".join(str(tuple(output.shape)) for output in tensors.values())
        raise RequestError(
            f"{name} returns no decision map: got {shapes} for a pair of {call.side}×{call.side},"
            " expected a map of the pair's size; networks that judge patches are not supported"
        )
    differentiable = {item: output for item, output in maps.items() if output.requires_grad}
    if not differentiable:
        parameters = list(network.parameters())
        if not parameters:
            raise RequestError(f"{name} has no parameters: there is nothing to tune; pass a network that has some")
        if not any(parameter.requires_grad for parameter in parameters):
            raise RequestError(f"{name} has no trainable parameter; unfreeze it with requires_grad_(True)")
        raise RequestError(
            f"{name} cannot be tuned: no gradient comes back from its map, since {excuse or 'the graph is cut'};"
            " return the map from before that"
        )
    found = [candidate for item in differentiable for candidate in _readings(network, call, item, len(tensors) > 1)]
    if not found:
        raise RequestError(
            f"{name} is an end-to-end network: it returns a fused image and no decision map; BridgeTune needs the map"
        )
    return found


def _readings(network: nn.Module, call: Call, item: Any, several: bool) -> Iterator[Candidate]:
    """The readings of one output."""
    base = call.config.model_copy(update={"item": item if several or item is not None else None})
    channels = _channels_first(tensors_of(call.answer)[item], call).shape[1]
    where = "the network's output" if item is None else f"output {item!r}"
    pictures = [_shows_the_picture(network, call, item, channel) for channel in range(channels)]
    if channels == 2 and not any(pictures):
        yield _two_channels(network, call, base, where)
        return
    for channel in range(channels):
        if pictures[channel] or (channels == 3 and not any(pictures)):
            continue  # three channels alike are a fused image, trained or not
        yield from _one_channel(network, call, base.model_copy(update={"channel": channel}), where)


def _two_channels(network: nn.Module, call: Call, base: AdapterConfig, where: str) -> Candidate:
    """Two channels are the two images' shares: logits of them, or probabilities."""
    answers = _answers(network, call, base.item)
    low, high = _range(answers)
    probabilities = _is_bounded(answers[0].grad_fn) and low >= 0 and high <= 1
    output: Literal["complementary", "softmax"] = "complementary" if probabilities else "softmax"
    kind = "two probabilities" if probabilities else "two logits"
    first = base.model_copy(update={"output": output, "channel": 0})
    agreement = _agreement(network, call, first)
    turned = agreement <= 1 - SURE
    chosen = first.model_copy(update={"channel": 1}) if turned else first
    return Candidate(chosen, f"{where} has two channels, {kind}", 1 - agreement if turned else agreement)


def _one_channel(network: nn.Module, call: Call, base: AdapterConfig, where: str) -> Iterator[Candidate]:
    """One channel is logits, a probability, or a tanh: told by what bounds it, else by where its sides settle."""
    channel = base.channel
    answers = [answer[:, channel, None] for answer in _answers(network, call, base.item)]
    low, high = _range(answers)
    spread = f"in [{low:.3g}, {high:.3g}]"
    bounded = _is_bounded(_answers(network, call, base.item)[0].grad_fn)
    kinds: list[tuple[Literal["logits", "probability", "tanh"], str]]
    if bounded and low >= 0 and high <= 1:
        kinds = [("probability", f"bounded by its last operation, {spread}")]
    elif bounded and low >= -1 and high <= 1:
        kinds = [("tanh", f"bounded by its last operation, {spread}")]
    elif bounded:
        kinds = [("logits", f"bounded, {spread}"), ("probability", f"bounded, {spread}")]
    else:
        left, right = (float(side.median()) for side in sides_of(answers[0].detach()))
        settled = abs(left - right) > 0.5 and -0.25 < min(left, right) < 0.5 < max(left, right) < 1.25
        kind: Literal["logits", "probability"] = "probability" if settled else "logits"
        kinds = [(kind, f"not bounded; its sides settle at {left:.3g} and {right:.3g}")]
    for output, because in kinds:
        config = base.model_copy(update={"output": output})
        agreement = _agreement(network, call, config)
        turned = agreement <= 1 - SURE
        if turned:
            config = config.model_copy(update={"orientation": "second"})
        because = f"{where}, channel {channel}: {because}"
        yield Candidate(config, because, 1 - agreement if turned else agreement)


def _answers(network: nn.Module, call: Call, item: Any) -> list[Tensor]:
    """The output for the known pair, the known pair the other way round, and noise, channels first."""
    first, second = half_and_half(call.side)
    noise = torch.rand(1, 3, call.side, call.side, generator=torch.Generator().manual_seed(0))
    pairs = [(first, second), (second, first), (noise, 1 - noise)]
    return [_channels_first(_ask(network, call, pair)[item], call) for pair in pairs]


def _ask(network: nn.Module, call: Call, pair: tuple[Tensor, Tensor]) -> dict[int | str | None, Tensor]:
    with undisturbed(network), torch.enable_grad():
        return tensors_of(Adapter(network, call.config).answer(*pair))


def _agreement(network: nn.Module, call: Call, config: AdapterConfig) -> float:
    """Share of right decisions on the known pair and on its reverse, the focus boundary left out."""
    shares = []
    first, second = half_and_half(call.side)
    for pair, in_focus in (((first, second), 0), ((second, first), 1)):
        with undisturbed(network), torch.no_grad():
            logits = read_logits(Adapter(network, call.config).answer(*pair), config, config.item)
        sides = sides_of(logits)
        shares.append(float((sides[in_focus] > 0).float().mean() + (sides[1 - in_focus] < 0).float().mean()) / 2)
    return sum(shares) / 2


def _shows_the_picture(network: nn.Module, call: Call, item: Any, channel: int) -> bool:
    """Whether the output looks like the source where both sources are the same picture, sharp or not."""
    likeness = []
    for picture in (texture(call.side), blurred(texture(call.side, seed=1))):
        output = _channels_first(_ask(network, call, (picture, picture))[item], call)[0, channel].detach()
        planes = [*picture[0], (picture[0] * picture.new_tensor(LUMA).view(3, 1, 1)).sum(0)]
        likeness.append(max(abs(_correlation(output, plane)) for plane in planes))
    return min(likeness) >= IMAGE_LIKE


def _correlation(one: Tensor, other: Tensor) -> float:
    if float(one.std()) < 1e-6:
        return 0.0
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def _is_bounded(node: Any) -> bool:
    """Whether the operations that a tensor came from keep it in a range, whatever the weights are."""
    if node is None:
        return False
    name = type(node).__name__.removesuffix("Backward0").removesuffix("Backward1").removesuffix("Backward2")
    if name.startswith("LogSoftmax"):
        return False
    if name.startswith(BOUNDED):
        return True
    parents = [parent for parent, _ in node.next_functions if parent is not None]
    return name.startswith(PASSING) and bool(parents) and all(map(_is_bounded, parents))


def _range(answers: list[Tensor]) -> tuple[float, float]:
    values = torch.cat([answer.detach().flatten() for answer in answers])
    return float(values.min()), float(values.max())


def _is_map_shaped(output: Tensor, call: Call) -> bool:
    """Floating point, of the pair's batch and size, with at most four channels: more are features."""
    if not output.is_floating_point() or output.ndim not in (3, 4) or output.shape[0] != 1:
        return False
    output = _channels_first(output, call)
    return output.shape[1] <= 4 and tuple(output.shape[2:]) == (call.side, call.side)


def _channels_first(output: Tensor, call: Call) -> Tensor:
    if output.ndim == 3:
        return output.unsqueeze(1)
    return output if call.config.layout == "channels first" else output.permute(0, 3, 1, 2)
