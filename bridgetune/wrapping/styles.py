"""Ways in which fusion networks take a pair, as far as the signature of `forward` allows them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.wrapping.known_pair import half_and_half
from bridgetune.wrapping.observing import undisturbed
from bridgetune.wrapping.traces import copied, needs_completing

ASKED = 64
"""Side of the pair by which the keys of a dictionary are found."""

Style = dict[str, Any]
"""Fields of a config that say how a network is called."""


def parameters_of(network: nn.Module) -> list[inspect.Parameter]:
    """What `forward` takes; anything, where that cannot be seen, as of a traced network."""
    try:
        return list(inspect.signature(network.forward).parameters.values())
    except ValueError:
        return [inspect.Parameter("images", inspect.Parameter.VAR_POSITIONAL)]


def argument_names(network: nn.Module) -> list[str]:
    """Of all that `forward` takes."""
    return [parameter.name for parameter in parameters_of(network)]


def of_two_images(network: nn.Module) -> Iterator[Style]:
    """What the signature of `forward` allows, the likeliest first."""
    parameters = parameters_of(network)
    required = [p for p in parameters if p.default is p.empty]
    by_name = tuple(p.name for p in required if p.kind is p.KEYWORD_ONLY)
    needed, room = _places(network)
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


def of_one_argument(network: nn.Module) -> Iterator[Style]:
    """Both images in one argument."""
    needed, room = _places(network)
    if needed > 1 or room < 1 or any(style.get("keywords") for style in of_two_images(network)):
        return
    for call in ("list", "tuple", "stack", "stacked channels", "batch"):
        yield {"call": call}
    keys = _keys(network)
    if len(keys) == 2:
        yield {"call": "dict", "keywords": keys}


def with_extras(network: nn.Module) -> Iterator[Style]:
    """Further arguments that are no sources: a word, a truth value or a number, nothing, a map or an image."""
    needed, _ = _places(network)
    for call, images in (("pair", 2), ("concat", 1)):
        missing = needed - images
        for told in _told(network) if missing == 1 else ():
            yield {"call": call, "extra": (told,)}
        if 1 <= missing <= 2:
            for extra in ("none", "zeros", "black", 1):
                yield {"call": call, "extra": (extra,) * missing}


def of_one_image(network: nn.Module) -> Iterator[Style]:
    needed, room = _places(network)
    if needed <= 1 <= room:
        yield {"call": "each"}


def takes_more(network: nn.Module, config: AdapterConfig) -> bool:
    """Whether a network that is called so could be given more than two images."""
    if config.call != "pair":
        return config.call not in ("each", "dict")
    kinds = {parameter.kind for parameter in parameters_of(network)}
    return inspect.Parameter.VAR_POSITIONAL in kinds and not config.keywords


PHASES = {
    word: place
    for place, word in enumerate(
        ("test", "testing", "eval", "evaluation", "inference", "infer", "predict", "val", "valid", "train", "training")
    )
}
"""Words for what a network is called for, those of use before those of training; other words stand between them."""


def _places(network: nn.Module) -> tuple[int, int]:
    """How many arguments by position `forward` needs, and how many it takes."""
    parameters = parameters_of(network)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in positional)
    return needed, 99 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional)


def _told(network: nn.Module) -> list[Any]:
    """What the last argument may want to be told: by its annotation, or by the strings that `forward` mentions."""
    *_, last = parameters_of(network)
    annotation = last.annotation if isinstance(last.annotation, str) else getattr(last.annotation, "__name__", "")
    by_annotation: dict[str, list[Any]] = {"bool": [False, True], "int": [0, 1], "float": [1.0]}
    return by_annotation.get(annotation, _words(network))


def _words(network: nn.Module) -> list[str]:
    """The strings that `forward` compares with or mentions: a phase that it wants to be told may be among them."""
    code = getattr(inspect.unwrap(network.forward), "__code__", None)
    constants = list(code.co_consts) if code is not None else []
    constants += [one for several in constants if isinstance(several, tuple | frozenset) for one in several]
    documentation = network.forward.__doc__
    words = [word for word in constants if isinstance(word, str) and word != documentation and word.isidentifier()]
    if not any(word in PHASES for word in words):
        return words
    # of phases, the one in which it is used comes first, and "test" is one although only the other is mentioned
    return sorted(dict.fromkeys([*words, "test"]), key=lambda word: PHASES.get(word, PHASES["train"] - 0.5))


class _Asked(dict[str, Tensor]):
    """A dictionary that hands out one image after the other, whatever it is asked for."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.images = iter(half_and_half(ASKED, device))

    def __missing__(self, key: str) -> Tensor:
        try:
            self[key] = next(self.images)
        except StopIteration:
            raise KeyError(key) from None
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def pop(self, key: str, *default: Any) -> Any:
        return self.get(key, *default)


def _keys(network: nn.Module) -> tuple[str, ...]:
    """What a network looks up in the dictionary that it is given."""
    asked = _Asked(device_of(network))
    trial = copied(network) if needs_completing(network) else network
    try:
        with undisturbed(trial), torch.no_grad():
            trial(asked)
    except Exception:  # whatever a network makes of input that is not for it; what it asked for is known
        pass
    return tuple(key for key in asked if isinstance(key, str))
