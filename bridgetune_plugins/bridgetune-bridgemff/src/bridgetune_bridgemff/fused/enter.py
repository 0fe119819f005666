"""The end of a stage of the encoder, of a picture that comes in strips, in C, `native/enter.c`: in inference alone."""

from __future__ import annotations

import ctypes

from torch import Tensor

from bridgetune_bridgemff import native

SUMMED, LANES = 1024, 8
"""As the library has them."""


class _Strip(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("channels", "height", "width", "groups", "start", "rows", "plane")),
        ("eps", ctypes.c_float),
    )


class Entering:
    """GELU(max-pool(group-norm(x))) of x (1, C, H, W), whose rows come one strip after the other.

    Args:
        weight, bias: The normalisation's, (C,).
        groups, eps: Likewise.
        answer: Where the answer goes, (1, C, H/2, W/2) of float32, contiguous. W is a multiple of 16, and H of 2.
    """

    def __init__(self, weight: Tensor, bias: Tensor, groups: int, eps: float, answer: Tensor) -> None:
        self._weight, self._bias, self._answer = weight.contiguous(), bias.contiguous(), answer
        channels, height, width = answer.shape[1], 2 * answer.shape[2], 2 * answer.shape[3]
        self._picture = channels, height, width, groups
        self._eps = eps
        blocks = -(-channels // groups * height * width // SUMMED)
        self._sums = answer.new_zeros(groups, blocks, 2, LANES)
        self._heads = answer.new_empty(channels, SUMMED)
        self._shifts = answer.new_empty(groups)

    def take(self, x: Tensor, start: int) -> None:
        """A strip (1, C, rows, W) from the row `start` on, of an even number of rows; its channels may lie apart."""
        shape = _Strip(*self._picture, start, x.shape[2], x.stride(1), self._eps)
        native.call("enter", shape, x, self._weight, self._answer, self._sums, self._heads, self._shifts)

    def end(self) -> None:
        """All strips are there: the answer is made."""
        shape = _Strip(*self._picture, 0, 0, 0, self._eps)
        native.call("entered", shape, self._weight, self._bias, self._answer, self._sums, self._heads, self._shifts)
