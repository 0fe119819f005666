"""The convolution in C, `native/convolution.c`, and its gradients."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from bridgetune_bridgemff import native
from bridgetune_bridgemff.operators import asked_for, differentiated, operator, shapes


class _Shape(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int64) for name in ("batch", "channels", "outputs", "height", "width", "kernel", "dilation")
    )


@operator("convolution", "(Tensor x, Tensor weight, Tensor? bias, int dilation) -> Tensor", differentiable=True)
def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """Of stride 1 with zeros around: (B, C, H, W) and (C', C, k, k), k odd -> (B, C', H, W)."""
    x, weight = x.contiguous(), weight.contiguous()
    batch, channels, height, width = x.shape
    y = x.new_empty(batch, len(weight), height, width)
    shape = _Shape(batch, channels, len(weight), height, width, weight.shape[-1], dilation)
    native.call("convolve", shape, x, weight, bias, y)
    return y


@operator("convolution_weights_backward", "(Tensor x, Tensor grad_y, int kernel, int dilation) -> (Tensor, Tensor)")
def weights_backward(x: Tensor, grad_y: Tensor, kernel: int, dilation: int) -> tuple[Tensor, Tensor]:
    """The gradients of the weight (C', C, k, k) and of the bias (C',)."""
    x, grad_y = x.contiguous(), grad_y.contiguous()
    batch, channels, height, width = x.shape
    outputs = grad_y.shape[1]
    grad_weight, grad_bias = x.new_empty(outputs, channels, kernel, kernel), x.new_empty(outputs)
    shape = _Shape(batch, channels, outputs, height, width, kernel, dilation)
    native.call("convolve_weights_backward", shape, x, grad_y, grad_weight, grad_bias)
    return grad_weight, grad_bias


@shapes("convolution")
def _(x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0], *x.shape[2:])


@shapes("convolution_weights_backward")
def _(x: Tensor, grad_y: Tensor, kernel: int, dilation: int) -> tuple[Tensor, Tensor]:
    channels, outputs = x.shape[1], grad_y.shape[1]
    return x.new_empty(outputs, channels, kernel, kernel), x.new_empty(outputs)


def _remember(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None, int], output: Tensor) -> None:
    x, weight, _, ctx.dilation = inputs
    ctx.save_for_backward(x, weight)


def _differentiate(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    of_x, of_weight, of_bias, _ = ctx.needs_input_grad
    of_x, of_weight = of_x and asked_for(ctx, 0), of_weight and asked_for(ctx, 1)
    of_bias = of_bias and asked_for(ctx, 2)
    grad_x = grad_weight = grad_bias = None
    if of_x:
        grad_x = convolution(grad_y, weight.transpose(0, 1).flip(2, 3), None, ctx.dilation)
    if of_weight or of_bias:
        grad_weight, grad_bias = weights_backward(x, grad_y, weight.shape[-1], ctx.dilation)
    return grad_x, grad_weight, grad_bias if of_bias else None, None


differentiated(convolution, _differentiate, _remember)


@register_flop_formula(torch.ops.bridgetune.convolution)
def _flops(x_shape: Sequence[int], weight_shape: Sequence[int], *_: Any, **__: Any) -> int:
    batch, _channels, height, width = x_shape
    return 2 * batch * height * width * math.prod(weight_shape)


@register_flop_formula(torch.ops.bridgetune.convolution_weights_backward)
def _weights_flops(x_shape: Sequence[int], grad_shape: Sequence[int], kernel: int, *_: Any, **__: Any) -> int:
    return 2 * math.prod(grad_shape) * x_shape[1] * kernel**2
