"""The protocol at which core and networks meet: a pair of images in, mask logits out; and methods without a map."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from bridgetune.errors import RequestError
from bridgetune.synthesis import decision_map


class Generator(nn.Module):
    """A network as bridgetune sees it: (first, second) -> mask logits.

    `bridgetune.wrap` and `bridgetune.create` return one; the training loop and the inference need no more.
    """

    @abstractmethod
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Mask logits of a source pair.

        Args:
            first, second: (B, 3, H, W) float in [0, 1], RGB, any H and W.

        Returns:
            (B, 1, H, W) logits, positive where `first` is in focus. At least float32.
        """

    def fuse(self, first: Tensor, second: Tensor) -> Tensor:
        """The fused image, Eq. 17-18, by the network alone: every pixel from the source that is in focus there.

        `bridgetune.inference` also decides what the network does not know.

        Args:
            first, second: (B, 3, H, W) float in [0, 1], RGB, any H and W.

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        return torch.where(decision_map(self(first, second)) == 1, first, second)


@runtime_checkable
class InStrips(Protocol):
    """What a network may offer beside `forward`: its answer on pictures too large to be shown it whole.

    It reads a few rows at a time, as often as it likes, and answers what `forward` would of the whole. A network whose
    field is small needs no such method: it is asked in overlapping tiles.
    """

    def in_strips(
        self, rows: Callable[[int, int], Sequence[Tensor]], height: int, width: int, progress: Callable[[float], None]
    ) -> Any:
        """What `forward` returns for the whole.

        Args:
            rows: First row and the one behind the last -> the images that `forward` takes, of these rows alone, in the
                network's own values: (B, C, rows, width) each, or (B, rows, width, C) with channels last.
            height, width: Of the whole, padded as the network needs.
            progress: To be told the share that is done, in [0, 1].
        """


@dataclass(frozen=True)
class Evaluator:
    """A method that fuses without a decision map: measured beside generators, and not to be tuned.

    Attributes:
        name: What it is called in tables.
        method: (first, second) -> fused, each (B, 3, H, W) float in [0, 1], RGB, any H and W.
        optimises: Whether it trains something for each pair, as ZMFF does: it is then called with gradients on.
    """

    name: str
    method: Callable[[Tensor, Tensor], Tensor]
    optimises: bool = False

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """The fused image.

        Args:
            first, second: (B, 3, H, W) or (3, H, W), float in [0, 1], RGB, any H and W.

        Returns:
            Of the same shape, in [0, 1]: what the method answers beyond is clamped.

        Raises:
            RequestError: They are no such pair, or the method answers with something of another shape.
        """
        if first.ndim == second.ndim == 3:
            return self(first[None], second[None])[0]
        check_pair(first, second)
        with torch.enable_grad() if self.optimises else nullcontext():
            fused = self.method(first, second)
        if not isinstance(fused, Tensor) or fused.shape != first.shape:
            answer = _described(fused) if isinstance(fused, Tensor) else f"a {type(fused).__name__}"
            raise RequestError(
                f"evaluator {self.name!r}: answers {answer}, expected {tuple(first.shape)} as its images"
            )
        return (fused.detach() if self.optimises else fused).clamp(0, 1)


def check_pair(first: Tensor, second: Tensor) -> None:
    """Raise `RequestError` unless both are (B, 3, H, W) floating point tensors of one shape."""
    for name, image in (("first", first), ("second", second)):
        if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
            raise RequestError(
                f"{name} image: got {_described(image)}, expected a float tensor (B, 3, H, W) in [0, 1];"
                " use bridgetune.data.read_image(path).tensor()[None] for a file"
            )
    if first.shape != second.shape:
        raise RequestError(
            f"a source pair must have one size: got {_described(first)} and {_described(second)};"
            " align or crop the images first"
        )


def _described(image: Tensor) -> str:
    return f"{str(image.dtype).removeprefix('torch.')} {tuple(image.shape)}"
