"""How a network is called: which of the ways in which decision-map networks take a pair this one takes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.wrapping.adapter import Adapter, outline
from bridgetune.wrapping.known_pair import half_and_half
from bridgetune.wrapping.observing import Observation, tensors_of, undisturbed

BASES = (64, 128, 224, 256)
"""Sides that are tried, the first that works serves: most networks take the first."""

MULTIPLES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Call:
    """A way of calling that works.

    Attributes:
        config: Call style, colour, prefix, keywords, layout.
        side: A side that it works with.
        answer: What the network returned for `half_and_half(side)`.
        observed: What it did on the way.
    """

    config: AdapterConfig
    side: int
    answer: object
    observed: Observation


def working_calls(network: nn.Module, domain: AdapterConfig) -> list[Call]:
    """The ways of calling that work; gray only where RGB does not, channels last only where first does not.

    Args:
        network: Left as it was.
        domain: Value range, mean and std of the network's input.

    Raises:
        RequestError: Where none works; the message has the network's own complaint about the likeliest.
    """
    complaints: list[str] = []
    for layout in ("channels first", "channels last"):
        for color in ("rgb", "gray"):
            found: list[Call] = []
            for style in _styles(network):
                changes = {**style, "layout": layout, "color": color}
                if color == "gray" and max(len(domain.mean), len(domain.std)) > 1:
                    continue
                config = domain.model_copy(update=changes)
                call = _tried(network, config, complaints)
                if call is not None:
                    found.append(call)
            if found:
                return found
    said = complaints[0] if complaints else "its forward takes no images that could be found"
    raise RequestError(
        f"{type(network).__name__} could not be called with a source pair of {' or '.join(map(str, BASES))} pixels"
        f" ({said}); say how with AdapterConfig(call=..., color=..., ...)"
    )


def multiple_and_minimum(network: nn.Module, call: Call) -> tuple[int, int]:
    """What the sides must divide by for the answer's tensors to be as large as the input, and the least side.

    Raises:
        RequestError: Where only one size works.
    """
    multiple = next((m for m in MULTIPLES if _fits(network, call, call.side + m, call.side + 3 * m)), None)
    if multiple is None:
        raise RequestError(
            f"{type(network).__name__} takes images of {call.side}×{call.side} and of no other size that was tried;"
            " it cannot be wrapped for pictures of any size"
        )
    minimum = next(
        (side for side in (multiple * 2**power for power in range(9)) if _fits(network, call, side, side)), multiple
    )
    return multiple, minimum


def _styles(network: nn.Module) -> Iterator[dict[str, object]]:
    """Call styles that the signature of `forward` allows, the likeliest first."""
    parameters = inspect.signature(network.forward).parameters.values()
    required = [p for p in parameters if p.default is p.empty]
    by_name = tuple(p.name for p in required if p.kind is p.KEYWORD_ONLY)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in positional)
    room = len(positional) if not any(p.kind is p.VAR_POSITIONAL for p in parameters) else 99

    if by_name:
        if needed == 0 and len(by_name) in (1, 2):
            yield {"call": "pair" if len(by_name) == 2 else "concat", "keywords": by_name}
        return
    if needed <= 2 <= room:
        yield {"call": "pair"}
    if needed <= 1 <= room:
        yield {"call": "concat"}
    for words in _words(network):
        if needed <= 3 <= room:
            yield {"call": "pair", "prefix": (words,)}
        if needed == 2 <= room:
            yield {"call": "concat", "prefix": (words,)}


def _words(network: nn.Module) -> list[str]:
    """The strings that `forward` compares with or mentions: a phase that it wants to be told may be among them."""
    code = getattr(inspect.unwrap(type(network).forward), "__code__", None)
    constants = code.co_consts if code is not None else ()
    documentation = type(network).forward.__doc__
    return [word for word in constants if isinstance(word, str) and word != documentation and word.isidentifier()]


def _tried(network: nn.Module, config: AdapterConfig, complaints: list[str]) -> Call | None:
    for side in BASES:
        observed = Observation()
        try:
            with undisturbed(network), observed.observing():
                answer = Adapter(network, config).answer(*half_and_half(side))
        except Exception as error:  # whatever a network makes of input that is not for it
            complaints.append(" ".join(f"{type(error).__name__}: {error}".split())[:200])
            continue
        if answer is None:
            complaints.append(f"it returned {outline(answer)}")
            continue
        return Call(config, side, answer, observed)
    return None


def _fits(network: nn.Module, call: Call, height: int, width: int) -> bool:
    """Whether the network takes this size, and answers in it what it answered in its own."""
    first, second = (
        image.repeat(1, 1, 1 + height // call.side, 1 + width // call.side) for image in half_and_half(call.side)
    )
    try:
        with undisturbed(network):
            answer = Adapter(network, call.config).answer(first[..., :height, :width], second[..., :height, :width])
    except Exception:  # as above
        return False
    here, there = tensors_of(answer), tensors_of(call.answer)
    axes = slice(-2, None) if call.config.layout == "channels first" else slice(1, 3)
    return here.keys() == there.keys() and all(
        here[item].shape[axes] == (height, width)
        for item, tensor in there.items()
        if tensor.shape[axes] == (call.side, call.side)
    )
