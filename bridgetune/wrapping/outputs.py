"""What a network answers: which output is the map, what its numbers are, and which image they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.pictures.color import LUMA
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.calls import Call, channels_first, outputs_of, stride_of
from bridgetune.wrapping.candidates import SAME, SURE, Candidate, agreement, correlation
from bridgetune.wrapping.known_pair import blurred, half_and_half, sides_of, texture
from bridgetune.wrapping.observing import undisturbed
from bridgetune.wrapping.refusals import (
    mapless,
    of_no_numbers,
    of_whole_numbers,
    optimising,
    shapeless,
    undifferentiable,
)

BOUNDED = ("Sigmoid", "Softmax", "Tanh", "Clamp", "Hardtanh", "Hardsigmoid")
"""Autograd nodes whose result is bounded."""

PASSING = (
    *("View", "Reshape", "Select", "Slice", "Squeeze", "Unsqueeze", "Permute", "Transpose", "Expand", "Clone", "Alias"),
    *("Split", "Unbind", "Cat", "Stack", "Upsample", "AvgPool", "MaxPool", "Index", "ToCopy", "Unsafe", "T"),
    *("ConstantPad", "ReflectionPad", "ReplicationPad", "AdaptiveAvgPool"),
    *("Add", "Sub", "Rsub", "Mul", "Div", "Neg", "Mean"),
)
"""Autograd nodes whose result is bounded where all they are made of is: they move, average, shift or scale."""

IMAGE_LIKE, IMAGE_CONTRAST = 0.9, 0.2
"""An output that correlates with the picture like this where nothing is to choose, and has so much of its contrast, is
a picture and no map."""

WIDE = 96
"""Side of the pair that patches are cut from."""


def candidates(network: nn.Module, call: Call) -> list[Candidate]:
    """Every reading of the network's answer as a decision map that a gradient comes through.

    Raises:
        RequestError: There is none, and why.
    """
    tensors = outputs_of(call.answer, call.config)
    excuse = call.observed.excuse()
    if call.observed.optimised:
        raise optimising(network, excuse)
    if not tensors:
        raise mapless(network, call.answer, excuse)
    patches = call.config.fit == "patches"
    maps = {
        item: output
        for item, output in tensors.items()
        if (_is_of_a_patch(output) if patches else stride_of(output, call))
    }
    if not maps:
        if any(_of_the_pair(output, call) for output in tensors.values()):
            raise of_whole_numbers(network, excuse)
        raise shapeless(network, tensors.values(), call.side)
    numbers = {item: output for item, output in maps.items() if not output.isnan().any()}
    if not numbers:
        raise of_no_numbers(network)
    differentiable = {item: output for item, output in numbers.items() if output.requires_grad}
    if not differentiable:
        raise undifferentiable(network, excuse)
    asked = Asked(network, call)
    several = len(tensors) > 1
    found = [candidate for item in differentiable for candidate in asked.readings(item, several)]
    return [*found, *asked.of_two(found)]


def _of_the_pair(output: Tensor, call: Call) -> bool:
    """Whether an output of whole numbers or truth values has the pair's size."""
    return output.ndim >= 3 and not output.is_complex() and stride_of(output.float(), call) == 1


def _is_of_a_patch(output: Tensor) -> bool:
    """One or two numbers for the one patch."""
    return output.is_floating_point() and 1 <= output.numel() <= 2 and output.ndim >= 1 and output.shape[0] == 1


class Asked:
    """A network and its answers to a few known pairs, each asked for once."""

    def __init__(self, network: nn.Module, call: Call) -> None:
        self.network, self.call = network, call
        self.patches = call.config.fit == "patches"
        side = WIDE if self.patches else call.side
        device = device_of(network)
        first, second = half_and_half(side, device)
        noise = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)
        sharp, soft = texture(side, device=device), blurred(texture(side, seed=1)).to(device)
        self.pairs = {
            "known": (first, second),
            "turned": (second, first),
            "noise": (noise, 1 - noise),
            "sharp": (sharp, sharp),
            "soft": (soft, soft),
        }
        self.answers: dict[str, Any] = {}

    def answer(self, name: str) -> Any:
        """The network's, with a graph."""
        if name not in self.answers:
            with undisturbed(self.network), torch.enable_grad():
                self.answers[name] = Adapter(self.network, self.call.config).answer(*self.pairs[name])
        return self.answers[name]

    def output(self, name: str, item: Any) -> Tensor:
        """(1, C, h, w)."""
        return channels_first(outputs_of(self.answer(name), self.call.config)[item], self.call.config)

    def logits(self, config: AdapterConfig) -> Tensor:
        """Of the known pair and its reverse, (2, 1, H, W)."""
        adapter = Adapter(self.network, config)
        with undisturbed(self.network), torch.no_grad():
            if self.patches:
                return torch.cat([adapter(*self.pairs[name]) for name in ("known", "turned")])
            return torch.cat([adapter.read(self.answer(name), *self.pairs[name]) for name in ("known", "turned")])

    def readings(self, item: Any, several: bool) -> Iterator[Candidate]:
        """The readings of one output."""
        base = self.call.config.model_copy(update={"item": item if several or item is not None else None})
        where = "the network's output" if item is None else f"output {item!r}"
        if self.patches:
            yield from self._of_patches(base, item, where)
            return
        output = outputs_of(self.call.answer, self.call.config)[item]
        base = base.model_copy(update={"stride": stride_of(output, self.call)})
        channels = channels_first(output, self.call.config).shape[1]
        if channels == 1:
            yield from self._of_one_channel(base, where)
        elif channels == 2:
            yield from self._of_two_channels(base, where)
        elif channels == 3:
            yield from self._of_three_channels(base, where)
        else:
            yield from self._of_four_channels(base, where)

    def _of_patches(self, base: AdapterConfig, item: Any, where: str) -> Iterator[Candidate]:
        assert self.call.config.side is not None
        base = base.model_copy(update={"step": max(self.call.config.side // 2, 1)})
        output = outputs_of(self.call.answer, self.call.config)[item]
        bounded = _is_bounded(output.grad_fn)
        if output.numel() == 2:
            kind: Literal["complementary", "softmax"] = "complementary" if bounded else "softmax"
            yield self._oriented(base, {"output": kind}, f"{where} judges a patch by two numbers", bounded)
            return
        single: Literal["probability", "logits"] = "probability" if bounded else "logits"
        yield self._oriented(base, {"output": single}, f"{where} judges a patch by one number", bounded)

    def _of_two_channels(self, base: AdapterConfig, where: str) -> Iterator[Candidate]:
        """The two images' shares: logits of them, or probabilities."""
        answers = [self.output(name, base.item) for name in ("known", "turned", "noise")]
        low, high = _range(answers)
        bounded = _is_bounded(answers[0].grad_fn) and low >= 0 and high <= 1
        kind: Literal["complementary", "softmax"] = "complementary" if bounded else "softmax"
        numbers = "two probabilities" if bounded else "two logits"
        yield self._oriented(base, {"output": kind}, f"{where} has two channels, {numbers}", bounded)

    def _of_three_channels(self, base: AdapterConfig, where: str) -> Iterator[Candidate]:
        """A picture, whatever a single channel of it looks like; but a map where all three are one and tell it."""
        single = [
            list(self._of_one_channel(base.model_copy(update={"channel": channel}), where)) for channel in range(3)
        ]
        answers = [one for readings in single for one in readings if one.responds and not one.fused]
        if len({one.config.channel for one in answers}) == 3 and all(one.decides_like(answers[0]) for one in answers):
            yield from (one for one in answers if one.config.channel == 0)
            return
        yield self._of_picture(base, where)

    def _of_four_channels(self, base: AdapterConfig, where: str) -> Iterator[Candidate]:
        """A map before or behind a picture; four maps where none of them is a picture's."""
        pictures = [self._shows_the_picture(base, channel) for channel in range(4)]
        before, behind = sum(pictures[1:]), sum(pictures[:3])
        places = range(4) if before == behind == 0 else [0] if before >= behind else [3]
        if before == behind == 0 and base.stride == 1:
            places = range(0, 4, 3)  # four channels of the pair's size, untrained: an image's three, and a map's
        for channel in places:
            readings = self._of_one_channel(base.model_copy(update={"channel": channel}), where, both=True)
            yield from (one for one in readings if not one.fused)

    def _of_one_channel(self, base: AdapterConfig, where: str, both: bool = False) -> Iterator[Candidate]:
        """Logits, a probability, or a tanh: told by what bounds it, else by where its sides settle.

        Args:
            both: Whether an output that is not bounded and tells nothing is read as logits and as a probability.
        """
        channel = base.channel
        answers = [self.output(name, base.item)[:, channel, None] for name in ("known", "turned", "noise")]
        low, high = _range(answers)
        spread = f"in [{low:.3g}, {high:.3g}]"
        bounded = _is_bounded(self.output("known", base.item).grad_fn)
        kinds: list[tuple[Literal["logits", "probability", "tanh"], str]]
        if bounded and low >= 0 and high <= 1:
            kinds = [("probability", f"bounded by its last operation, {spread}")]
        elif bounded and low >= -1 and high <= 1:
            kinds = [("tanh", f"bounded by its last operation, {spread}")]
        elif bounded:
            kinds = [("logits", f"bounded, {spread}"), ("probability", f"bounded, {spread}")]
        else:
            left, right = (float(side.median()) for side in sides_of(_enlarged(answers[0].detach(), base.stride)))
            settled = abs(left - right) > 0.5 and -0.25 < min(left, right) < 0.5 < max(left, right) < 1.25
            told = f"not bounded; its sides settle at {left:.3g} and {right:.3g}"
            kinds = [("probability", told)] if settled else [("logits", told)]
            if both and not settled:
                kinds = [("probability", told), *kinds]
        found = [
            self._oriented(base, {"output": output}, f"{where}, channel {channel}: {because}", bounded)
            for output, because in kinds
        ]
        if base.stride == 1 and not any(one.responds for one in found) and self._shows_the_picture(base, channel):
            if self.call.config.color == "gray" or self.call.config.call == "each":
                yield self._of_picture(base, where)
            return
        yield from found

    def _of_picture(self, base: AdapterConfig, where: str) -> Candidate:
        config = base.model_copy(update={"output": "fused"})
        if self.call.config.call == "each" or base.stride > 1:
            nothing = torch.zeros(2, 1, self.call.side, self.call.side, device=self.pairs["known"][0].device)
            return Candidate(config, f"{where} is a picture", 0.5, nothing)
        logits = self.logits(config)
        return Candidate(config, f"{where} is a fused image", agreement(logits), logits)

    def of_two(self, found: list[Candidate]) -> Iterator[Candidate]:
        """Two outputs of one kind that are the two images' own."""
        alone = [
            one
            for one in found
            if one.config.item is not None
            and one.config.channel == 0
            and one.config.output in ("probability", "logits")
        ]
        if self.call.config.call == "each" or self.patches:
            return
        for place, one in enumerate(alone):
            for other in alone[place + 1 :]:
                kinds = [(c.config.output, c.config.stride, c.bounded) for c in (one, other)]
                if one.config.item == other.config.item or kinds[0] != kinds[1]:
                    continue
                if (
                    (one.responds, one.config.orientation)
                    == (other.responds, other.config.orientation)
                    == (True, "first")
                ):
                    continue
                if abs(correlation(one.logits, other.logits)) > SAME:
                    continue  # one map twice, or a map and what it leaves
                output = "complementary" if one.bounded else "softmax"
                base = one.config.model_copy(update={"orientation": "first"})
                items = (one.config.item, other.config.item)
                because = f"outputs {items[0]!r} and {items[1]!r} are a map of each image"
                yield self._oriented(base, {"output": output, "item": items}, because, one.bounded)

    def _oriented(self, base: AdapterConfig, changes: dict[str, Any], because: str, bounded: bool) -> Candidate:
        """The reading, turned where it decides the wrong way round."""
        config = base.model_copy(update=changes)
        logits = self.logits(config)
        right = agreement(logits)
        candidate = Candidate(config, because, right, logits, bounded)
        if right > 1 - SURE:
            return candidate
        turned = {"channel": 1} if config.paired else {"orientation": "second"}
        return replace(candidate, config=config.model_copy(update=turned), agreement=1 - right, logits=-logits)

    def _shows_the_picture(self, base: AdapterConfig, channel: int) -> bool:
        """Whether the output looks like the source where both sources are the same picture, sharp or not."""
        scale = (base.value_range[1] - base.value_range[0]) / base.std[0]
        for name in ("sharp", "soft"):
            picture = self.pairs[name][0]
            output = self.output(name, base.item)[0, channel].detach()
            planes = [*picture[0], (picture[0] * picture.new_tensor(LUMA).view(3, 1, 1)).sum(0)]
            if output.shape != planes[0].shape:
                return False
            likeness = max(planes, key=lambda plane: abs(correlation(output, plane)))
            if abs(correlation(output, likeness)) < IMAGE_LIKE:
                return False
            if float(output.std()) < IMAGE_CONTRAST * scale * float(likeness.std()):
                return False
        return True


def _enlarged(values: Tensor, stride: int) -> Tensor:
    return values.repeat_interleave(stride, -1) if stride > 1 else values


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
