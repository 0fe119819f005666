"""The adapter: converts from the canonical space to what a network wants, and its answer to mask logits.

Nothing else in bridgetune knows that networks differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.errors import RequestError
from bridgetune.origin import Origin
from bridgetune.protocol import Generator, check_pair
from bridgetune.saving import save
from bridgetune.synthesis import decision_map
from bridgetune.wrapping.inputs import alone, arguments
from bridgetune.wrapping.projection import projected, residue
from bridgetune.wrapping.reading import Item, read_logits, read_picture
from bridgetune.wrapping.scales import ENLARGED, combined, doubled, enlarged, halved, reduced, refined
from bridgetune.wrapping.sizes import asked_at_one_side

MIRRORINGS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
"""The axes of an image's mirror images, itself included."""

TOGETHER = 2**17
"""Pixels of a batch, as it is shown, up to which its mirror images go through the network at once."""


class InputDomain(nn.Module):
    """Images from the canonical space to a network's own: colour, range, mean and std, padding."""

    luma: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("luma", torch.tensor(config.luma).view(1, 3, 1, 1), persistent=False)
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

    def restored(self, image: Tensor) -> Tensor:
        """(B, C, H, W) from the network's own values to [0, 1]."""
        return (image - self.shift) / self.scale

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
        measured: What has been measured of the network, by name; shared with all that `reconfigured` makes.
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
        self.domain = InputDomain(config).to(device_of(network))
        self.measured: dict[str, int | None] = {}

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Mask logits, (B, 1, H, W); see `Generator.forward`."""
        return self._maps(first, second, [self.config.item])[0]

    def maps(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """`forward`'s logits, and behind them the auxiliary maps' logits, (B, 1, h, w) each, of full size."""
        return self._maps(first, second, [self.config.item, *self.config.auxiliary])

    def _maps(self, first: Tensor, second: Tensor, items: Sequence[Item]) -> list[Tensor]:
        """The logits of some items, the first of which is the map."""
        check_pair(first, second)
        _, *reductions = self.config.reductions
        map_, *auxiliary = self._of_mirror_images(first, second, items, 1)
        if self.config.enlarged and not self.training:
            map_ = refined(map_, self._of_mirror_images(first, second, items[:1], ENLARGED)[0])
        if reductions:
            coarser = [self._of_mirror_images(first, second, items[:1], reduction)[0] for reduction in reductions]
            map_ = combined(map_, coarser)
        return [map_, *auxiliary]

    def _of_mirror_images(self, first: Tensor, second: Tensor, items: Sequence[Item], reduction: float) -> list[Tensor]:
        if self.training or not self.config.mirrored:
            return self._of_size(first, second, items, reduction)
        seen = ((first.flip(axes), second.flip(axes)) for axes in MIRRORINGS)
        answers: list[Sequence[Tensor]]
        if _together(first[:, 0].numel(), reduction):
            firsts, seconds = (torch.cat(images) for images in zip(*seen, strict=True))
            maps = self._of_size(firsts, seconds, items, reduction)
            answers = list(zip(*(parted(map_, len(MIRRORINGS)) for map_ in maps), strict=True))
        else:
            answers = [self._of_size(*images, items, reduction) for images in seen]
        turned = [[map_.flip(axes) for map_ in maps] for axes, maps in zip(MIRRORINGS, answers, strict=True)]
        return [torch.stack(views).mean(0) for views in zip(*turned, strict=True)]

    def _of_size(self, first: Tensor, second: Tensor, items: Sequence[Item], reduction: float) -> list[Tensor]:
        """What the network says of the pair reduced, or `ENLARGED`, at the pair's own size."""
        if reduction == 1:
            return self._in_either_order(first, second, items)
        if reduction == ENLARGED:
            return [halved(map_) for map_ in self._in_either_order(doubled(first), doubled(second), items)]
        by = int(reduction)
        maps = self._in_either_order(reduced(first, by), reduced(second, by), items)
        return [self.cropped(enlarged(map_, by), first.shape[-2:]) for map_ in maps]

    def _in_either_order(self, first: Tensor, second: Tensor, items: Sequence[Item]) -> list[Tensor]:
        if self.config.symmetric:
            first, second = in_both_orders(first, second)
        maps = self._asked(first, second, items)
        return [antisymmetric(map_) for map_ in maps] if self.config.symmetric else maps

    def of_both_orders(self, first: Tensor, second: Tensor) -> Tensor:
        """The network's logits of a pair as it is, (B, 1, H, W): in both orders where that is asked, else in one."""
        return self._in_either_order(first, second, [self.config.item])[0]

    def _asked(self, first: Tensor, second: Tensor, items: Sequence[Item]) -> list[Tensor]:
        if self.config.side is None:
            answer = self.answer(first, second)
            return [self._read(answer, item, first, second, auxiliary=place > 0) for place, item in enumerate(items)]

        def ask(first: Tensor, second: Tensor) -> Tensor:
            return self._read(self.answer(first, second), items[0], first, second)

        return [asked_at_one_side(ask, first, second, self.config)]

    def answer(self, first: Tensor, second: Tensor) -> Any:
        """What the network itself returns for a canonical pair; of a network that takes one image, both answers.

        Args:
            first, second: (B, 3, H, W); H and W are `side` where the network takes no other.
        """
        check_pair(first, second)
        images = self.domain(first), self.domain(second)
        if self.config.call == "each":
            return tuple(self._called(alone(image, self.config)) for image in images)
        return self._called(arguments(images, self.config))

    def read(self, answer: Any, first: Tensor, second: Tensor) -> Tensor:
        """The map in what `answer` returned for that pair, (B, 1, H, W) logits."""
        return self._read(answer, self.config.item, first, second)

    def _called(self, given: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
        return self.network(*given[0], **given[1])

    def fused(self, first: Tensor, second: Tensor) -> Tensor:
        """The fused image as an end-to-end network itself makes it; `fuse` takes every pixel from one source.

        A gray network's has the colours of the sources, each where it is in focus.

        Args:
            first, second: (B, 3, H, W) float in [0, 1].

        Returns:
            (B, 3, H, W) in [0, 1].

        Raises:
            RequestError: The network answers with a map, and fuses nothing.
        """
        check_pair(first, second)
        if self.config.output != "fused":
            raise RequestError(
                f"fused: the network answers with a map (output={self.config.output!r}), expected the fused image of"
                " an end-to-end network (output='fused'); use fuse"
            )

        picture = self.picture(first, second)
        if self.config.color == "gray":
            chosen = torch.where(decision_map(self(first, second)) == 1, first, second)
            picture = chosen + picture - (chosen * self.domain.luma).sum(1, keepdim=True)
        return picture.clamp(0, 1)

    def residue(self, first: Tensor, second: Tensor) -> Tensor:
        """What of an end-to-end network's picture is of neither source, (B, 1, H, W): see `projection.residue`."""
        sources = (self.domain.restored(self.domain.converted(image)) for image in (first, second))
        return residue(self.picture(first, second), *sources)

    def picture(self, first: Tensor, second: Tensor) -> Tensor:
        """As an end-to-end network fuses, in [0, 1] about: (B, 3, H, W), of a gray network (B, 1, H, W)."""

        def ask(first: Tensor, second: Tensor) -> Tensor:
            picture = self.domain.restored(read_picture(self.answer(first, second), self.config))
            return picture[..., : first.shape[-2], : first.shape[-1]]

        one_side = self.config.side is not None
        return asked_at_one_side(ask, first, second, self.config) if one_side else ask(first, second)

    def _read(self, answer: Any, item: Item, first: Tensor, second: Tensor, *, auxiliary: bool = False) -> Tensor:
        """Read an item, and cut off what the padding added."""
        if self.config.call == "each":
            logits = torch.sub(*(read_logits(one, self.config, item) for one in answer))
        elif self.config.output == "fused":
            images = (self.domain.restored(self.domain(image)) for image in (first, second))
            picture = self.domain.restored(read_picture(answer, self.config))
            logits = self._of_picture(picture, *images)
        else:
            logits = read_logits(answer, self.config, item)
        return self.at_size(logits, first.shape, auxiliary=auxiliary)

    def _of_picture(self, picture: Tensor, first: Tensor, second: Tensor) -> Tensor:
        if picture.shape != first.shape:
            raise RequestError(
                f"the network's fused image has shape {tuple(picture.shape)}, expected {tuple(first.shape)} as its"
                " images; set item= and channel= of AdapterConfig to it"
            )
        return projected(picture, first, second)

    def at_size(self, logits: Tensor, shape: Sequence[int], *, auxiliary: bool = False) -> Tensor:
        """Logits (B, 1, h, w) of a pair of that shape (B, 3, H, W), without what the padding added, at their scale."""
        if self.config.fit == "patches":
            padded = [1, 1]
        else:
            padded = [padded_side(side, self.config.multiple, self.config.minimum) for side in shape[-2:]]
        if self.config.stride > 1 and not auxiliary and logits.shape[0] == shape[0]:
            expected = [side // self.config.stride for side in padded]
            if list(logits.shape[-2:]) == expected:
                logits = interpolate(logits, padded, mode="bilinear")
        if logits.shape[0] != shape[0] or (not auxiliary and list(logits.shape[-2:]) != padded):
            raise RequestError(
                f"the network's map has shape {tuple(logits.shape)} for a batch of {shape[0]} and sides {padded},"
                " expected the same; set multiple= of AdapterConfig to what the sides must divide by, and stride= to"
                " the pixels that one of the map stands for"
            )
        if self.config.fit == "patches":
            return logits
        height, width = (
            round(side * own / whole) for side, own, whole in zip(shape[-2:], logits.shape[-2:], padded, strict=True)
        )
        return self.cropped(logits, (height, width))

    def cropped(self, logits: Tensor, sides: Sequence[int]) -> Tensor:
        """(B, 1, h, w) -> (B, 1, *sides), from the top left."""
        return logits[..., : sides[0], : sides[1]]

    def unwrap(self) -> nn.Module:
        """The network that was wrapped: the very object."""
        return self.network

    def reconfigured(self, config: AdapterConfig) -> Adapter:
        """The very network behind another configuration."""
        made = Adapter(self.network, config, self.origin, self.twin).train(self.training)
        made.measured = self.measured
        return made

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


def _together(pixels: int, reduction: float) -> bool:
    """Whether a batch's mirror images go through the network at once, see `TOGETHER`."""
    if isinstance(pixels, torch.SymInt):  # a program for any size, which a comparison would keep to small ones
        return reduction >= 1
    return pixels <= TOGETHER * reduction**2


def in_both_orders(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs, and behind them the same exchanged, (2B, …)."""
    return torch.cat([first, second]), torch.cat([second, first])


def parted(batches: Tensor, count: int) -> tuple[Tensor, ...]:
    """As many batches that lie one behind the other, (count·B, …) -> (B, …) each.

    What `Tensor.chunk` does, in operators that exporters can take for any B.
    """
    return torch.unbind(batches.reshape(count, -1, *batches.shape[1:]))


def antisymmetric(logits: Tensor) -> Tensor:
    """Logits of pairs and of the same exchanged, (2B, 1, h, w) -> half their difference, (B, 1, h, w)."""
    given, exchanged = parted(logits, 2)
    return (given - exchanged) / 2


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
            image = _reflected(image, axis, padded)
    return image


def _reflected(image: Tensor, axis: int, padded: int) -> Tensor:
    """Longer along an axis, see `reflected`; where once is enough, without looking up every pixel."""
    side = image.shape[axis]
    if torch.compiler.is_compiling() or padded >= 2 * side:
        return image.index_select(axis, reflected(side, padded, image.device))
    beyond = image.narrow(axis, 2 * side - padded - 1, padded - side).flip(axis)
    return torch.cat([image, beyond], dim=axis)


def reflected(side: int, padded: int, device: torch.device | None = None) -> Tensor:
    """Indices 0 … side-1, then back again without repeating the edge, up to `padded` of them."""
    period = max(2 * (side - 1), 1)
    position = torch.arange(padded, device=device) % period
    return torch.where(position < side, position, period - position)
