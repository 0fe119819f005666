"""The adapter: converts from the canonical space to what a network wants, and its answer to mask logits.

Nothing else in bridgetune knows that networks differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.origin import Origin
from bridgetune.pictures.color import LUMA
from bridgetune.protocol import Generator, check_pair
from bridgetune.saving import save
from bridgetune.wrapping.scales import combined, enlarged, reduced

PROBABILITY_MARGIN = 1e-6
"""A probability read from a network counts as at least this far from 0 and 1: logits stay within ±13.8."""

MIRRORINGS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
"""The axes of an image's mirror images, itself included."""


class InputDomain(nn.Module):
    """Images from the canonical space to a network's own: colour, range, mean and std, padding."""

    luma: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1), persistent=False)
        low, high = config.value_range
        mean, std = torch.tensor(config.mean).view(1, -1, 1, 1), torch.tensor(config.std).view(1, -1, 1, 1)
        self.register_buffer("scale", ((high - low) / std).float(), persistent=False)
        self.register_buffer("shift", ((low - mean) / std).float(), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H', W'), H' and W' padded as the network needs."""
        return self.padded(self.converted(image))

    def converted(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H, W) in the network's own values."""
        if self.config.color == "gray":
            image = (image * self.luma).sum(1, keepdim=True)
        return torch.addcmul(self.shift, image, self.scale)

    def padded(self, image: Tensor) -> Tensor:
        """(B, C, H, W) in the network's own values -> (B, C, H', W')."""
        return pad_by_reflection(image, self.config.multiple, self.config.minimum)


_NOWHERE = Origin()


class Adapter(Generator):
    """A decision-map network behind the protocol. Made by `bridgetune.wrap` and `bridgetune.create`.

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
        origin: Origin = _NOWHERE,
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
        return self._maps(first, second, [self.config.item])[0]

    def maps(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """`forward`'s logits, and behind them the auxiliary maps' logits, (B, 1, h, w) each, of the finest scale."""
        return self._maps(first, second, [self.config.item, *self.config.auxiliary])

    def _maps(self, first: Tensor, second: Tensor, items: Sequence[int | str | None]) -> list[Tensor]:
        """The logits of some items, the first of which is the map."""
        check_pair(first, second)
        _, *reductions = self.config.reductions
        map_, *auxiliary = self._of_mirror_images(first, second, items, 1)
        if reductions:
            coarser = [self._of_mirror_images(first, second, items[:1], reduction)[0] for reduction in reductions]
            map_ = combined(map_, coarser)
        return [map_, *auxiliary]

    def _of_mirror_images(
        self, first: Tensor, second: Tensor, items: Sequence[int | str | None], reduction: int
    ) -> list[Tensor]:
        if self.training or not self.config.mirrored:
            return self._of_size(first, second, items, reduction)
        answers = [
            [map_.flip(axes) for map_ in self._of_size(first.flip(axes), second.flip(axes), items, reduction)]
            for axes in MIRRORINGS
        ]
        return [torch.stack(views).mean(0) for views in zip(*answers, strict=True)]

    def _of_size(
        self, first: Tensor, second: Tensor, items: Sequence[int | str | None], reduction: int
    ) -> list[Tensor]:
        """What the network says of the pair reduced, at the pair's own size."""
        if reduction == 1:
            return self._in_either_order(first, second, items)
        maps = self._in_either_order(reduced(first, reduction), reduced(second, reduction), items)
        return [self._cropped(enlarged(map_, reduction), first.shape[-2:]) for map_ in maps]

    def _in_either_order(self, first: Tensor, second: Tensor, items: Sequence[int | str | None]) -> list[Tensor]:
        if self.config.symmetric:
            first, second = in_both_orders(first, second)
        answer = self.answer(first, second)
        maps = [self.read(answer, item, first.shape, auxiliary=place > 0) for place, item in enumerate(items)]
        return [antisymmetric(map_) for map_ in maps] if self.config.symmetric else maps

    def of_both_orders(self, first: Tensor, second: Tensor) -> Tensor:
        """The network's logits of a pair as it is, (B, 1, H, W): in both orders where that is asked, else in one."""
        return self._in_either_order(first, second, [self.config.item])[0]

    def answer(self, first: Tensor, second: Tensor) -> object:
        """What the network itself returns for a canonical pair."""
        check_pair(first, second)
        images = self.arranged(self.domain(first), self.domain(second))
        if self.config.keywords:
            return self.network(*self.config.prefix, **dict(zip(self.config.keywords, images, strict=True)))
        return self.network(*self.config.prefix, *images)

    def arranged(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """The images that the network takes, of a pair (B, C, H, W) in its own values."""
        images = [torch.cat([first, second], dim=1)] if self.config.call == "concat" else [first, second]
        return [image.permute(0, 2, 3, 1) for image in images] if self.config.layout == "channels last" else images

    def read(self, answer: object, item: int | str | None, shape: Sequence[int], *, auxiliary: bool = False) -> Tensor:
        """Read an item, and cut off what the padding added, at its own scale."""
        padded = [padded_side(side, self.config.multiple, self.config.minimum) for side in shape[-2:]]
        logits = read_logits(answer, self.config, item)
        if logits.shape[0] != shape[0] or (not auxiliary and list(logits.shape[-2:]) != padded):
            raise RequestError(
                f"the network's map has shape {tuple(logits.shape)} for a batch of {shape[0]} and sides {padded},"
                " expected the same; set multiple= of AdapterConfig to what the sides must divide by"
            )
        height, width = (
            round(side * own / whole) for side, own, whole in zip(shape[-2:], logits.shape[-2:], padded, strict=True)
        )
        return self._cropped(logits, (height, width))

    def _cropped(self, logits: Tensor, sides: Sequence[int]) -> Tensor:
        """(B, 1, h, w) -> (B, 1, *sides), from the top left."""
        return logits[..., : sides[0], : sides[1]]

    def unwrap(self) -> nn.Module:
        """The network that was wrapped: the very object."""
        return self.network

    def reconfigured(self, config: AdapterConfig) -> Adapter:
        """The very network behind another configuration."""
        return Adapter(self.network, config, self.origin, self.twin).train(self.training)

    def save_pretrained(self, path: str | Path, *, facts: Mapping[str, Any] | None = None) -> None:
        """Write `config.json`, `model.safetensors` and the model card `README.md` into the folder `path`.

        An earlier generator there is replaced.

        Args:
            path: A folder, made where it is missing.
            facts: What the card should tell of the training: name -> value.

        Raises:
            RequestError: `path` is no folder that can be written to, or holds files of these names that are no
                generator's; nothing is written.
        """
        save(self.network, self.config, self.origin, Path(path), facts or {})


def in_both_orders(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs, and behind them the same exchanged, (2B, …)."""
    return torch.cat([first, second]), torch.cat([second, first])


def antisymmetric(logits: Tensor) -> Tensor:
    """Logits of pairs and of the same exchanged, (2B, 1, h, w) -> half their difference, (B, 1, h, w)."""
    given, exchanged = torch.unbind(logits.reshape(2, -1, *logits.shape[1:]))
    return (given - exchanged) / 2


def read_logits(answer: object, config: AdapterConfig, item: int | str | None) -> Tensor:
    """A network's answer as mask logits (B, 1, h, w), positive where the first image is in focus.

    Args:
        answer: What the network returned.
        config: How to read it.
        item: Which of several outputs.

    Raises:
        RequestError: Where the answer is not what `config` says.
    """
    output = _selected(answer, item)
    if output.ndim == 4 and config.layout == "channels last":
        output = output.permute(0, 3, 1, 2)
    if output.ndim == 3:
        output = output.unsqueeze(1)
    paired = config.output in ("softmax", "complementary")
    needed = 2 if paired else config.channel + 1
    if output.ndim != 4 or output.shape[1] < needed:
        raise RequestError(
            f"the network's map has shape {tuple(output.shape)}, expected (B, C, H, W) with C >= {needed};"
            " set item= and channel= of AdapterConfig to the map"
        )
    if output.dtype in (torch.float16, torch.bfloat16):
        output = output.float()
    chosen = output[:, config.channel, None]
    other = output[:, 1 - config.channel, None] if paired else chosen
    match config.output:
        case "logits":
            logits = chosen
        case "probability":
            logits = probability_to_logits(chosen)
        case "tanh":
            logits = probability_to_logits((chosen + 1) / 2)
        case "softmax":
            logits = chosen - other
        case "complementary":
            logits = probability_to_logits((chosen + 1 - other) / 2)
    return logits if config.orientation == "first" else -logits


def probability_to_logits(probability: Tensor) -> Tensor:
    """log(p / (1-p)), finite and with a finite gradient at p = 0 and 1.

    Args:
        probability: Any shape; values beyond [0, 1] are clamped, and have no gradient.
    """
    inner = PROBABILITY_MARGIN + (1 - 2 * PROBABILITY_MARGIN) * probability.clamp(0, 1)
    return torch.log(inner) - torch.log1p(-inner)


def padded_side(side: int, multiple: int, minimum: int = 1) -> int:
    """The next length from `side` on that divides by `multiple` and is >= `minimum`."""
    return -(-max(side, minimum) // multiple) * multiple


def pad_by_reflection(image: Tensor, multiple: int, minimum: int = 1) -> Tensor:
    """Pad (B, C, H, W) at the bottom and the right to sides that divide by `multiple` and are >= `minimum`.

    Reflects as often as it takes, so that any side can be padded to any length.
    """
    for axis in (-2, -1):
        side = image.shape[axis]
        padded = padded_side(side, multiple, minimum)
        if padded > side:
            image = image.index_select(axis, reflected(side, padded, image.device))
    return image


def reflected(side: int, padded: int, device: torch.device | None = None) -> Tensor:
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
                f"the network returned {outline(answer)}, which has no item {item!r}; set item= of AdapterConfig"
            ) from None
    if not isinstance(chosen, Tensor):
        raise RequestError(
            f"the network returned {outline(chosen)}, expected a tensor; set item= of AdapterConfig to the map"
        )
    return chosen


def outline(answer: object) -> str:
    if isinstance(answer, Mapping):
        return f"a dictionary with {', '.join(map(repr, answer))}"
    if isinstance(answer, tuple | list):
        return f"a {type(answer).__name__} of {len(answer)}"
    if isinstance(answer, Tensor):
        return f"a tensor {tuple(answer.shape)}"
    return f"a {type(answer).__name__}"
