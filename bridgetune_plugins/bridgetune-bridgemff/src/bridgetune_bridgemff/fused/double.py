"""A picture twice as large in C, `native/doubling.c`, and its gradient."""

from __future__ import annotations

import ctypes
import math
from typing import Any

from torch import Tensor

from bridgetune_bridgemff import native
from bridgetune_bridgemff.operators import differentiated, operator, shapes


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("planes", "height", "width"))


@operator("doubled", "(Tensor x) -> Tensor", differentiable=True)
def doubled(x: Tensor) -> Tensor:
    """Bilinear, corners aligned: (B, C, H, W) -> (B, C, 2H, 2W)."""
    x = x.contiguous()
    *planes, height, width = x.shape
    y = x.new_empty(*planes, 2 * height, 2 * width)
    native.call("double", _Shape(math.prod(planes), height, width), x, y)
    return y


@operator("doubled_backward", "(Tensor grad_y) -> Tensor")
def doubled_backward(grad_y: Tensor) -> Tensor:
    """(B, C, 2H, 2W) -> (B, C, H, W)."""
    grad_y = grad_y.contiguous()
    *planes, height, width = grad_y.shape
    grad_x = grad_y.new_empty(*planes, height // 2, width // 2)
    native.call("double_backward", _Shape(math.prod(planes), height // 2, width // 2), grad_y, grad_x)
    return grad_x


@shapes("doubled")
def _(x: Tensor) -> Tensor:
    return x.new_empty(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])


@shapes("doubled_backward")
def _(grad_y: Tensor) -> Tensor:
    return grad_y.new_empty(*grad_y.shape[:2], grad_y.shape[2] // 2, grad_y.shape[3] // 2)


def _remember(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
    """Nothing: it is linear."""


def _differentiate(ctx: Any, grad_y: Tensor) -> Tensor:
    grad_x: Tensor = doubled_backward(grad_y)
    return grad_x


differentiated(doubled, _differentiate, _remember)
