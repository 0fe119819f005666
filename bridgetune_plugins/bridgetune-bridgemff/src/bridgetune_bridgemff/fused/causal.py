"""The causal convolution of the Mamba block and its SiLU in C, `native/causal.c`, and its gradients."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from bridgetune_bridgemff import native
from bridgetune_bridgemff.operators import operator, shapes


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("batch", "length", "channels", "taps", "stride"))


@operator("causal", "(Tensor x, Tensor weight, Tensor bias) -> Tensor", differentiable=True)
def causal(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """SiLU of each channel's causal convolution, (B, L, C) and (C, 1, taps) -> (B, L, C).

    Args:
        x: Its channels contiguous; its tokens may be part of longer rows.
        weight: The last tap is the token's own.
        bias: (C,).
    """
    x, shape = _laid_out(x, weight)
    y = x.new_empty(x.shape)
    native.call("causal", shape, x, weight.contiguous(), bias, y)
    return y


@operator("causal_backward", "(Tensor x, Tensor weight, Tensor bias, Tensor grad_y) -> (Tensor, Tensor, Tensor)")
def causal_backward(x: Tensor, weight: Tensor, bias: Tensor, grad_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, weight and bias."""
    x, shape = _laid_out(x, weight)
    gradients = x.new_empty(x.shape), weight.new_empty(weight.shape), bias.new_empty(bias.shape)
    native.call("causal_backward", shape, x, weight.contiguous(), bias, grad_y.contiguous(), *gradients)
    return gradients


def _laid_out(x: Tensor, weight: Tensor) -> tuple[Tensor, _Shape]:
    batch, length, channels = x.shape
    if x.stride(2) != 1 or x.stride(0) != length * x.stride(1):
        x = x.contiguous()
    return x, _Shape(batch, length, channels, weight.shape[-1], x.stride(1))


@shapes("causal")
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return x.new_empty(x.shape)


@shapes("causal_backward")
def _(x: Tensor, weight: Tensor, bias: Tensor, grad_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape), weight.new_empty(weight.shape), bias.new_empty(bias.shape)


def _remember(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate(ctx: Any, grad_y: Tensor) -> tuple[Tensor, ...]:
    gradients: tuple[Tensor, ...] = causal_backward(*ctx.saved_tensors, grad_y)
    return gradients


torch.library.register_autograd("bridgetune::causal", _differentiate, setup_context=_remember)


@register_flop_formula(torch.ops.bridgetune.causal)
def _flops(x_shape: Sequence[int], weight_shape: Sequence[int], *_: Any, **__: Any) -> int:
    batch, length, channels = x_shape
    return 2 * batch * length * channels * weight_shape[-1]


@register_flop_formula(torch.ops.bridgetune.causal_backward)
def _backward_flops(x_shape: Sequence[int], weight_shape: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * _flops(x_shape, weight_shape)
