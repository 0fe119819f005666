"""How a network is called: which of the ways in which fusion networks take a pair this one takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.modes import evaluating
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.known_pair import half_and_half, texture
from bridgetune.wrapping.observing import Observation, tensors_of, undisturbed
from bridgetune.wrapping.reading import outline, parts_of, without_frame_axis
from bridgetune.wrapping.refusals import Attempt, in_a_line, uncallable
from bridgetune.wrapping.styles import of_one_argument, of_one_image, of_two_images, with_extras
from bridgetune.wrapping.traces import copied, needs_completing, without_leftovers

BASES = (64, 128, 224, 256, 192, 320, 384, 512)
"""Sides that are tried, the first that works serves: most networks take the first."""

PATCHES = (16, 32)
"""Sides of the patches that are tried where no picture was taken."""

MULTIPLES = (1, 2, 4, 8, 16, 32, 64)

STRIDES = (1, 2, 4, 8, 16)
"""Pixels for one of a map, along a side."""


@dataclass(frozen=True)
class Call:
    """A way of calling that works.

    Attributes:
        config: Call style, colour, prefix, keywords, layout.
        side: A side that it works with.
        answer: What the network returned for `half_and_half(side)`.
        observed: What it did on the way.
        built: Whether it built layers when it was called.
    """

    config: AdapterConfig
    side: int
    answer: Any
    observed: Observation
    built: bool = False


def working_calls(network: nn.Module, domain: AdapterConfig) -> list[Call]:
    """The ways of calling that work: the likelier ones only, where any of them does.

    Two images come before both in one argument, before further arguments, before patches, before one image at a time;
    within each, RGB before gray, channels first before last. A call whose answer depends on one of the images alone is
    none, if there is another.

    Args:
        network: Left as it was, but for layers that it builds when it is first called.
        domain: Value range, mean and std of the network's input.

    Raises:
        RequestError: Where none works; the message has the network's own complaint where it came furthest.
    """
    attempts: list[Attempt] = []
    for family, bases in (
        (of_two_images, BASES),
        (of_one_argument, BASES),
        (with_extras, BASES),
        (of_two_images, PATCHES),
        (of_one_image, BASES),
        (of_one_image, PATCHES),
    ):
        for layout in ("channels first", "channels last"):
            for color in ("rgb", "gray"):
                if color == "gray" and max(len(domain.mean), len(domain.std)) > 1:
                    continue
                found: list[Call] = []
                for style in family(network):
                    config = domain.model_copy(update={**style, "layout": layout, "color": color})
                    call = _tried(network, config, bases, attempts)
                    if call is not None:
                        found.append(call)
                if found:
                    if found[0].built:
                        complete(network, found[0].config, found[0].side)
                    return found
    raise uncallable(network, attempts)


def complete(network: nn.Module, config: AdapterConfig, side: int | None = None) -> None:
    """Call a network once, so that it builds the layers that it builds when it is first called; nothing else stays."""
    with without_leftovers(network), evaluating(network), torch.random.fork_rng(), torch.no_grad():
        if config.side is None:
            Adapter(network, config).answer(*known_pair(network, side or max(BASES[0], config.minimum)))
        else:
            Adapter(network, config)(*known_pair(network, config.side))


def known_pair(network: nn.Module, side: int) -> tuple[Tensor, Tensor]:
    """`half_and_half`, where the network is."""
    return half_and_half(side, device_of(network))


def _layers(network: nn.Module) -> tuple[int, int]:
    return len(list(network.modules())), len(list(network.parameters()))


def sizes(network: nn.Module, call: Call) -> dict[str, int]:
    """Fields of the config: what the sides must divide by for the answer's tensors to be as large as the input, and
    the least side; or the only side that the network takes."""
    multiple = next((m for m in MULTIPLES if _fits(network, call, call.side + m, call.side + 3 * m)), None)
    if multiple is None:
        return {"side": call.side}
    minimum = next(
        (side for side in (multiple * 2**power for power in range(9)) if _fits(network, call, side, side)), multiple
    )
    return {"multiple": multiple, "minimum": minimum}


def _tried(network: nn.Module, config: AdapterConfig, bases: tuple[int, ...], attempts: list[Attempt]) -> Call | None:
    for side in bases:
        observed = Observation()
        trial = copied(network) if needs_completing(network) else network
        own = config.model_copy(update={"fit": "patches", "side": side}) if bases is PATCHES else config
        pair = known_pair(network, side)
        try:
            layers = _layers(trial)
            with undisturbed(trial), observed.observing():
                answer = Adapter(trial, own).answer(*pair)
                built = trial is not network or _layers(trial) != layers
        except Exception as error:  # whatever a network makes of input that is not for it
            said = in_a_line(error)
            attempts.append(Attempt(own, side, len(observed.operations), said))
            continue
        if answer is None:
            attempts.append(Attempt(own, side, len(observed.operations), f"it returned {outline(answer)}"))
            continue
        if config.call == "batch" and any(output.shape[:1] == (2,) for output in tensors_of(answer).values()):
            attempts.append(Attempt(own, side, len(observed.operations), "it answers for each image of the batch"))
            return None
        if config.call != "each" and not _has_both(trial, own, pair, answer):
            said = "its answer depends on one of the images alone"
            attempts.append(Attempt(own, side, len(observed.operations), said))
            return None
        return Call(own, side, answer, observed, built)
    return None


def _has_both(network: nn.Module, config: AdapterConfig, pair: tuple[Tensor, Tensor], answer: Any) -> bool:
    """Whether both images matter, or neither, as where a network's last layer begins as zero."""
    other = texture(pair[0].shape[-1], 2, pair[0].device)
    matter = []
    for changed in ((other, pair[1]), (pair[0], other)):
        try:
            with undisturbed(network), torch.no_grad():
                matter.append(not _same(Adapter(network, config).answer(*changed), answer))
        except Exception:  # as above
            return True
    return all(matter) or not (any(matter) or config.extra)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor | np.ndarray):
        return bool((torch.as_tensor(one) == torch.as_tensor(other)).all())
    parts = parts_of(other)
    return all(_same(value, parts.get(key)) for key, value in parts_of(one).items())


def _fits(network: nn.Module, call: Call, height: int, width: int) -> bool:
    """Whether the network takes this size, and answers in it what it answered in its own."""
    first, second = (
        image.repeat(1, 1, 1 + height // call.side, 1 + width // call.side) for image in known_pair(network, call.side)
    )
    try:
        with undisturbed(network), torch.no_grad():
            answer = Adapter(network, call.config).answer(first[..., :height, :width], second[..., :height, :width])
    except Exception:  # as above
        return False
    here, there = outputs_of(answer, call.config), outputs_of(call.answer, call.config)
    if here.keys() != there.keys():
        return False
    strides = {item: stride_of(tensor, call) for item, tensor in there.items()}
    finest = min((stride for stride in strides.values() if stride), default=1)
    axes = slice(-2, None) if call.config.layout == "channels first" else slice(1, 3)
    return (height % finest, width % finest) == (0, 0) and all(
        here[item].shape[axes] == (height // finest, width // finest)
        for item, stride in strides.items()
        if stride == finest
    )


def outputs_of(answer: Any, config: AdapterConfig) -> dict[int | str | None, Tensor]:
    """The tensors in an answer; of a network that takes one image at a time, those of the first."""
    return tensors_of(answer[0] if config.call == "each" else answer)


def stride_of(output: Tensor, call: Call) -> int:
    """How many pixels one of an output stands for along a side; 0 where it is no map of the whole pair.

    A map is of floating point, of the pair's batch, with at most four channels: more are features.
    """
    output = without_frame_axis(output)
    if (
        output.layout != torch.strided
        or not output.is_floating_point()
        or output.ndim not in (3, 4)
        or output.shape[0] != 1
    ):
        return 0
    shape = channels_first(output, call.config).shape
    if shape[1] > 4:
        return 0
    return next((stride for stride in STRIDES if shape[2:] == (call.side // stride,) * 2), 0)


def channels_first(output: Tensor, config: AdapterConfig) -> Tensor:
    """(B, C, h, w) of an output that may have no channel axis, or have it last."""
    output = without_frame_axis(output)
    if output.ndim == 3:
        return output.unsqueeze(1)
    return output if config.layout == "channels first" else output.permute(0, 3, 1, 2)
