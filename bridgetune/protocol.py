"""The protocol at which core and networks meet: a pair of images in, mask logits out."""

from __future__ import annotations

from abc import abstractmethod

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
        """The fused image, Eq. 17-18: every pixel from the source that is in focus there.

        Args:
            first, second: (B, 3, H, W) float in [0, 1], RGB, any H and W.

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        return torch.where(decision_map(self(first, second)) == 1, first, second)


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
