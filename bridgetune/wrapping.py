"""The adapter: converts from the canonical space to what a network wants, and its answer to mask logits.

Nothing else in bridgetune knows that networks differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.protocol import Generator, check_pair

Network = TypeVar("Network", bound=nn.Module)

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601: gray from R, G, B."""

PROBABILITY_MARGIN = 1e-6
"""A probability read from a network counts as at least this far from 0 and 1: logits stay within ±13.8."""


@dataclass(frozen=True)
class Origin:
    """Where a network came from, so that it can be built again.

    Attributes:
        generator: The plugin generator's name; empty for a network that the user brought.
        options: What its factory was called with.
        distribution, version: The plugin's.
    """

    generator: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    distribution: str = ""
    version: str = ""


class InputDomain(nn.Module):
    """Images from the canonical space to a network's own: colour, range, mean and std, padding."""

    luma: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("mean", torch.tensor(config.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, -1, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H', W'), H' and W' padded as the network needs."""
        if self.config.color == "gray":
            image = (image * self.luma).sum(1, keepdim=True)
        low, high = self.config.value_range
        image = (image * (high - low) + low - self.mean) / self.std
        return pad_by_reflection(image, self.config.multiple, self.config.minimum)


class Adapter(Generator):
    """A decision-map network behind the protocol. Made by `wrap` and `bridgetune.create`.

    The network is held, never changed: same object, same class, same `state_dict` keys, no hooks.

    Attributes:
        network: The wrapped network itself.
        config: How it is called and read.
        origin: How it can be built again.
        twin: Makes a fresh discriminator network of the same architecture; None where nobody said how.
    """

    def __init__(
        self,
        network: nn.Module,
        config: AdapterConfig,
        origin: Origin = Origin(),
        twin: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.origin = origin
        self.twin = twin
        self.domain = InputDomain(config)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Mask logits, (B, 1, H, W); see `Generator.forward`."""
        check_pair(first, second)
        height, width = first.shape[-2:]
        pair = self.domain(first), self.domain(second)
        answer = self.network(*pair) if self.config.call == "pair" else self.network(torch.cat(pair, dim=1))
        logits = read_logits(answer, self.config, expected=pair[0].shape)
        return logits[..., :height, :width]

    def unwrap(self) -> nn.Module:
        """The network that was wrapped: the very object."""
        return self.network

    def save_pretrained(self, path: str | Path, *, facts: Mapping[str, Any] | None = None) -> None:
        """Write `config.json`, `model.safetensors` and the model card `README.md` into the folder `path`.

        Args:
            path: A folder, made where it is missing.
            facts: What the card should tell of the training: name -> value.

        Raises:
            RequestError: Where `path` is a file.
        """
        from bridgetune.pretrained import save

        save(self, Path(path), facts or {})


def wrap(network: nn.Module, config: AdapterConfig) -> Adapter:
    """Put a decision-map network behind bridgetune's protocol, unchanged.

    Args:
        network: Any module that turns a source pair into a decision map.
        config: How it is called and how its answer is read.

    Raises:
        RequestError: Where `network` is not a `torch.nn.Module`.
    """
    if not isinstance(network, nn.Module):
        raise RequestError(
            f"wrap: got {type(network).__name__}, expected a torch.nn.Module; pass the network itself, not its class"
            " or its weights"
        )
    return Adapter(network, config)


def read_logits(answer: object, config: AdapterConfig, expected: torch.Size) -> Tensor:
    """A network's answer as mask logits (B, 1, H, W), positive where the first image is in focus.

    Args:
        answer: What the network returned.
        config: How to read it.
        expected: Shape of the network's input; the map must have its batch and sides.

    Raises:
        RequestError: Where the answer is not what `config` says.
    """
    output = _selected(answer, config.item)
    if output.ndim == 3:
        output = output.unsqueeze(1)
    needed = 2 if config.output in ("softmax", "complementary") else config.channel + 1
    if output.ndim != 4 or output.shape[1] < needed:
        raise RequestError(
            f"the network's map has shape {tuple(output.shape)}, expected (B, C, H, W) with C >= {needed};"
            " set item= and channel= of AdapterConfig to the map"
        )
    if output.shape[0] != expected[0] or output.shape[2:] != expected[2:]:
        raise RequestError(
            f"the network's map has shape {tuple(output.shape)} for an input of {tuple(expected)},"
            " expected the same batch and sides; set multiple= of AdapterConfig to what the sides must divide by"
        )
    if output.dtype in (torch.float16, torch.bfloat16):
        output = output.float()
    map_, other = (
        output[:, config.channel, None],
        output[:, 1 - config.channel, None] if needed == 2 else None,
    )
    match config.output:
        case "logits":
            logits = map_
        case "probability":
            logits = probability_to_logits(map_)
        case "softmax":
            logits = map_ - cast(Tensor, other)
        case "complementary":
            logits = probability_to_logits((map_ + 1 - cast(Tensor, other)) / 2)
    return logits if config.orientation == "first" else -logits


def probability_to_logits(probability: Tensor) -> Tensor:
    """log(p / (1-p)), finite and with a finite gradient at p = 0 and 1.

    Args:
        probability: Any shape; values beyond [0, 1] are clamped, and have no gradient.
    """
    inner = PROBABILITY_MARGIN + (1 - 2 * PROBABILITY_MARGIN) * probability.clamp(0, 1)
    return torch.log(inner) - torch.log1p(-inner)


def pad_by_reflection(image: Tensor, multiple: int, minimum: int = 1) -> Tensor:
    """Pad (B, C, H, W) at the bottom and the right to sides that divide by `multiple` and are >= `minimum`.

    Reflects as often as it takes, so that any side can be padded to any length.
    """
    for axis in (-2, -1):
        side = image.shape[axis]
        padded = -(-max(side, minimum) // multiple) * multiple
        if padded > side:
            image = image.index_select(axis, _reflected(side, padded, image.device))
    return image


def _reflected(side: int, padded: int, device: torch.device) -> Tensor:
    """Indices 0 … side-1, then back again without repeating the edge, up to `padded` of them."""
    period = max(2 * (side - 1), 1)
    position = torch.arange(padded, device=device) % period
    return torch.where(position < side, position, period - position)


def _selected(answer: object, item: int | str | None) -> Tensor:
    """The tensor that `item` names in what the network returned."""
    chosen: Any = answer
    if item is not None:
        try:
            chosen = cast(Any, answer)[item]
        except (KeyError, IndexError, TypeError):
            raise RequestError(
                f"the network returned {_outline(answer)}, which has no item {item!r}; set item= of AdapterConfig"
            ) from None
    if not isinstance(chosen, Tensor):
        raise RequestError(
            f"the network returned {_outline(chosen)}, expected a tensor; set item= of AdapterConfig to the map"
        )
    return chosen


def _outline(answer: object) -> str:
    if isinstance(answer, Mapping):
        return f"a dictionary with {', '.join(map(repr, answer))}"
    if isinstance(answer, tuple | list):
        return f"a {type(answer).__name__} of {len(answer)}"
    if isinstance(answer, Tensor):
        return f"a tensor {tuple(answer.shape)}"
    return f"a {type(answer).__name__}"
