"""How a network is called: which of the ways in which fusion networks take a pair this one takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.errors import RequestError
from bridgetune.modes import evaluating
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.known_pair import half_and_half, texture
from bridgetune.wrapping.observing import Observation, tensors_of, undisturbed
from bridgetune.wrapping.reading import outline, parts_of, without_frame_axis
from bridgetune.wrapping.styles import argument_names, of_one_argument, of_one_image, of_two_images, with_extras
from bridgetune.wrapping.traces import copied, needs_completing, without_leftovers

BASES = (64, 128, 224, 256, 192, 320, 384, 512)
"""Sides that are tried, the first that works serves: most networks take the first."""

PATCHES = (16, 32)
"""Sides of the patches that are tried where no picture was taken."""

MULTIPLES = (1, 2, 4, 8, 16, 32, 64)

STRIDES = (1, 2, 4, 8, 16)
"""Pixels for one of a map, along a side."""


HINTS = (
    (
        ("t", "time", "times", "timestep", "timesteps"),
        "; its argument {} looks like a diffusion model's time step: wrap one step of it",
    ),
    (
        ("flag", "is_test", "is_train", "mode", "phase", "stage", "state", "status", "task", "test", "train"),
        "; its argument {} looks like a word: extra=('test',) behind the images, prefix=('test',) before them",
    ),
)
"""Names of arguments, and what one of them says about a network that could not be called."""


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


@dataclass(frozen=True)
class Attempt:
    """A way of calling that does not work.

    Attributes:
        config: See `Call`.
        side: Of the images.
        operations: How many the network had carried out when it failed.
        complaint: What it failed with.
    """

    config: AdapterConfig
    side: int
    operations: int
    complaint: str


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
    refusal = RequestError(_said_of(network, attempts))
    refusal.add_note(wrapper_of(network))
    raise refusal


def wrapper_of(network: nn.Module) -> str:
    """Lines to paste: a module that takes a pair and calls the network as that wants it."""
    name = type(network).__name__
    given = ", ".join(argument_names(network))
    return (
        f"Such a module, to be wrapped in the network's place; its last line is yours to mend, which {name} has as"
        f" forward({given}):\n"
        "class Pair(torch.nn.Module):\n"
        "    def __init__(self, network): super().__init__(); self.network = network\n"
        "    def forward(self, first, second): return self.network(first, second)"
    )


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


def _in_a_line(error: Exception) -> str:
    """What a network failed with, without the numbers of tensors that some put into it."""
    said, tensor, _ = " ".join(f"{type(error).__name__}: {error}".split()).partition("tensor([")
    return f"{said}a tensor" if tensor else said[:200]


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


def _said_of(network: nn.Module, attempts: list[Attempt]) -> str:
    name = type(network).__name__
    if not attempts:
        return (
            f"{name} could not be called with a source pair: its forward takes no images that could be found; wrap a"
            " module whose forward takes two images"
        )
    kinds = {parameter.dtype for parameter in network.parameters() if parameter.is_floating_point()}
    if others := kinds - {torch.float32}:
        named = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in others))
        return (
            f"{name} could not be called with a source pair: it has parameters of {named}, expected float32, which its"
            " images are; convert it first: network.float()"
        )
    furthest = max(attempts, key=lambda attempt: attempt.operations)
    said = furthest.complaint
    if "CUDA" in said or "NVIDIA" in said:
        return f"{name} moves its images to a GPU by itself, and there is none here ({said}); take .cuda() out of it"
    hint = "".join(
        hint.format(repr(name)) for name in argument_names(network) for names, hint in HINTS if name in names
    )
    return (
        f"{name} could not be called with a source pair: it came furthest as {_described(furthest)} ({said}){hint}; say"
        " how with AdapterConfig(call=..., color=..., side=...), or wrap a module whose forward takes two images"
    )


def _described(attempt: Attempt) -> str:
    color = "gray" if attempt.config.color == "gray" else "RGB"
    return f"call={attempt.config.call!r} with {color} images of {attempt.side}×{attempt.side}"


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
            said = _in_a_line(error)
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
