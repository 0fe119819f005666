"""What the spatial attention looks at, in C, `native/summary.c`, and its gradient."""

from __future__ import annotations

import ctypes
from typing import Any

from torch import Tensor

from bridgetune_bridgemff import native
from bridgetune_bridgemff.operators import differentiated, operator, shapes


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("batch", "channels", "pixels"))


@operator("summary", "(Tensor x) -> Tensor", differentiable=True)
def summary(x: Tensor) -> Tensor:
    """The mean and the largest of each pixel's channels, (B, C, H, W) -> (B, 2, H, W)."""
    x = x.contiguous()
    batch, channels, height, width = x.shape
    y = x.new_empty(batch, 2, height, width)
    native.call("summary", _Shape(batch, channels, height * width), x, y)
    return y


@operator("summary_backward", "(Tensor x, Tensor y, Tensor grad_y) -> Tensor")
def summary_backward(x: Tensor, y: Tensor, grad_y: Tensor) -> Tensor:
    """The gradient of x; equal maxima share theirs, as in `torch.amax`."""
    x, grad_y = x.contiguous(), grad_y.contiguous()
    batch, channels, height, width = x.shape
    grad_x = x.new_empty(x.shape)
    native.call("summary_backward", _Shape(batch, channels, height * width), x, y, grad_y, grad_x)
    return grad_x


@shapes("summary")
def _(x: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], 2, *x.shape[2:])


@shapes("summary_backward")
def _(x: Tensor, y: Tensor, grad_y: Tensor) -> Tensor:
    return x.new_empty(x.shape)


def _remember(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs, output)


def _differentiate(ctx: Any, grad_y: Tensor) -> Tensor:
    grad_x: Tensor = summary_backward(*ctx.saved_tensors, grad_y)
    return grad_x


differentiated(summary, _differentiate, _remember)
