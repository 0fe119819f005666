"""The ends of the stages in C, `native/down.c` and `native/up.c`, and their gradients.

Beside its answer an operator gives, for its gradient, the mean and 1 / deviation of each group, (B, groups, 2).
"""

from __future__ import annotations

import ctypes
from typing import Any

from torch import Tensor

from bridgetune_bridgemff import native
from bridgetune_bridgemff.operators import differentiated, operator, shapes


class _Shape(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "channels", "height", "width", "groups")),
        ("eps", ctypes.c_float),
    )


@operator(
    "down", "(Tensor x, Tensor weight, Tensor bias, int groups, float eps) -> (Tensor, Tensor)", differentiable=True
)
def down(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> tuple[Tensor, Tensor]:
    """GELU(max-pool(group-norm(x))), (B, C, H, W) -> (B, C, H/2, W/2)."""
    x = x.contiguous()
    y, moments = _down_shapes(x, weight, bias, groups, eps)
    native.call("down", _Shape(*x.shape, groups, eps), x, weight, bias, y, moments)
    return y, moments


@operator(
    "up",
    "(Tensor x, Tensor weight, Tensor bias, Tensor skip, int groups, float eps) -> (Tensor, Tensor)",
    differentiable=True,
)
def up(x: Tensor, weight: Tensor, bias: Tensor, skip: Tensor, groups: int, eps: float) -> tuple[Tensor, Tensor]:
    """GELU(doubled(group-norm(x))) + skip, (B, C, H, W) and (B, C, 2H, 2W) -> (B, C, 2H, 2W)."""
    x, skip = x.contiguous(), skip.contiguous()
    y, moments = _up_shapes(x, weight, bias, skip, groups, eps)
    native.call("up", _Shape(*x.shape, groups, eps), x, weight, bias, skip, y, moments)
    return y, moments


@shapes("down")
def _down_shapes(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> tuple[Tensor, Tensor]:
    batch, channels, height, width = x.shape
    return x.new_empty(batch, channels, height // 2, width // 2), x.new_empty(batch, groups, 2)


@shapes("up")
def _up_shapes(x: Tensor, weight: Tensor, bias: Tensor, skip: Tensor, groups: int, eps: float) -> tuple[Tensor, Tensor]:
    return x.new_empty(skip.shape), x.new_empty(len(x), groups, 2)


_ADJOINT = "(Tensor x, Tensor weight, Tensor bias, Tensor moments, Tensor grad_y) -> (Tensor, Tensor, Tensor)"


@operator("down_backward", _ADJOINT)
def down_backward(
    x: Tensor, weight: Tensor, bias: Tensor, moments: Tensor, grad_y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, weight and bias; of equal maxima the first, row by row, receives it, as in torch."""
    return _backward("down_backward", x, weight, bias, moments, grad_y)


@operator("up_backward", _ADJOINT)
def up_backward(
    x: Tensor, weight: Tensor, bias: Tensor, moments: Tensor, grad_y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, weight and bias; the skip's is that of y."""
    return _backward("up_backward", x, weight, bias, moments, grad_y)


def _backward(
    function: str, x: Tensor, weight: Tensor, bias: Tensor, moments: Tensor, grad_y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    x, grad_y = x.contiguous(), grad_y.contiguous()
    gradients: tuple[Tensor, Tensor, Tensor] = _gradient_shapes(x, weight, bias, moments, grad_y)
    # eps is in the moments already
    native.call(function, _Shape(*x.shape, moments.shape[1], 0.0), x, weight, bias, moments, grad_y, *gradients)
    return gradients


@shapes("down_backward")
@shapes("up_backward")
def _gradient_shapes(
    x: Tensor, weight: Tensor, bias: Tensor, moments: Tensor, grad_y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape), weight.new_empty(weight.shape), bias.new_empty(bias.shape)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, weight, bias, *_ = inputs
    _, moments = output
    ctx.save_for_backward(x, weight, bias, moments)
    ctx.mark_non_differentiable(moments)


def _differentiate_down(ctx: Any, grad_y: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    return *down_backward(*ctx.saved_tensors, grad_y), None, None


def _differentiate_up(ctx: Any, grad_y: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    return *up_backward(*ctx.saved_tensors, grad_y), grad_y, None, None


differentiated(down, _differentiate_down, _remember)
differentiated(up, _differentiate_up, _remember)
