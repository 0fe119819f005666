"""The vision Mamba layer in C, `native/vision_mamba.c`, and its gradients, `native/vision_mamba_back.c`."""

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
from bridgetune_bridgemff.scan.operator import flops_of_scan


class _Shape(ctypes.Structure):
    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in ("batch", "channels", "outputs", "length", "chunks", "inner", "rank", "states", "taps")
        ),
        ("eps", ctypes.c_float),
    )


BLOCK = 32
"""Tokens of a block, as the library has them."""

WEIGHTS = (
    *("norm.weight", "norm.bias", "mamba.in_proj.weight", "mamba.conv1d.weight", "mamba.conv1d.bias"),
    *("mamba.x_proj.weight", "mamba.dt_proj.weight", "mamba.dt_proj.bias", "mamba.A_log", "mamba.D"),
    *("mamba.out_proj.weight", "theta", "projection.weight", "projection.bias"),
)
"""The vision Mamba layer's parameters, in the library's order."""

MATRICES = ("in_proj", "conv1d", "x_proj", "dt_proj", "out_proj")
"""What multiplies every token of a chunk."""


class _Pointers(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in WEIGHTS)


@operator("vision_mamba", "(Tensor x, Tensor[] weights, int chunks, float eps) -> Tensor")
def vision_mamba(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> Tensor:
    """The parallel vision Mamba layer without a gradient, (B, C, H, W) -> (B, C', H, W).

    Args:
        weights: Its parameters in the order of `WEIGHTS`.
        chunks: Of the channels, scanned alike.
        eps: Of the layer normalisation.
    """
    y = _vision_mamba_shapes(x, weights, chunks, eps)
    shape, pointers, _kept = _laid_out(x, weights, chunks, eps)
    native.call("vision_mamba", shape, pointers, x.contiguous(), y, None, None)
    return y


@operator(
    "vision_mamba_kept",
    "(Tensor x, Tensor[] weights, int chunks, float eps) -> (Tensor, Tensor, Tensor)",
    differentiable=True,
)
def vision_mamba_kept(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """The same, and for its gradient what the chunks become, and the states that enter each block of tokens."""
    answers = _kept_shapes(x, weights, chunks, eps)
    y, mixed, carried = answers
    shape, pointers, _kept = _laid_out(x, weights, chunks, eps)
    native.call("vision_mamba", shape, pointers, x.contiguous(), y, mixed, carried)
    return answers


@operator(
    "vision_mamba_backward",
    "(Tensor x, Tensor[] weights, Tensor mixed, Tensor carried, Tensor grad_y, int chunks, float eps, bool of_weights)"
    " -> (Tensor, Tensor[])",
)
def vision_mamba_backward(
    x: Tensor,
    weights: Sequence[Tensor],
    mixed: Tensor,
    carried: Tensor,
    grad_y: Tensor,
    chunks: int,
    eps: float,
    of_weights: bool,
) -> tuple[Tensor, list[Tensor]]:
    """The gradients of x, and `of_weights` where they are wanted; else none of them."""
    gradients = _gradient_shapes(x, weights, mixed, carried, grad_y, chunks, eps, of_weights)
    grad_x, grad_weights = gradients
    shape, pointers, _kept = _laid_out(x, weights, chunks, eps)
    found = _Pointers(*map(native.pointer, grad_weights)) if of_weights else _Pointers()
    given = x.contiguous(), mixed, carried, grad_y.contiguous()
    native.call("vision_mamba_backward", shape, pointers, *given, grad_x, found)
    return gradients


def _laid_out(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> tuple[_Shape, _Pointers, list[Tensor]]:
    """As the library takes them; the tensors are what is pointed to, and have to be kept so long."""
    weights = [weight.contiguous() for weight in weights]
    named = dict(zip(WEIGHTS, weights, strict=True))
    batch, channels, height, width = x.shape
    (inner, states), outputs = named["mamba.A_log"].shape, len(named["projection.weight"])
    rank, taps = named["mamba.dt_proj.weight"].shape[1], named["mamba.conv1d.weight"].shape[-1]
    shape = _Shape(batch, channels, outputs, height * width, chunks, inner, rank, states, taps, eps)
    return shape, _Pointers(*map(native.pointer, weights)), weights


@shapes("vision_mamba")
def _vision_mamba_shapes(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> Tensor:
    return x.new_empty(x.shape[0], weights[-1].shape[0], *x.shape[2:])


@shapes("vision_mamba_kept")
def _kept_shapes(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    batch, channels, height, width = x.shape
    blocks = -(-height * width // BLOCK)
    carried = x.new_empty(batch, chunks, blocks, *weights[WEIGHTS.index("mamba.A_log")].shape)
    return _vision_mamba_shapes(x, weights, chunks, eps), x.new_empty(batch, channels, blocks * BLOCK), carried


@shapes("vision_mamba_backward")
def _gradient_shapes(
    x: Tensor,
    weights: Sequence[Tensor],
    mixed: Tensor,
    carried: Tensor,
    grad_y: Tensor,
    chunks: int,
    eps: float,
    of_weights: bool,
) -> tuple[Tensor, list[Tensor]]:
    return x.new_empty(x.shape), [weight.new_empty(weight.shape) for weight in weights if of_weights]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    x, weights, ctx.chunks, ctx.eps = inputs
    _, mixed, carried = output
    ctx.save_for_backward(x, mixed, carried, *weights)
    ctx.mark_non_differentiable(mixed, carried)


def _differentiate(ctx: Any, grad_y: Tensor, *_: Tensor | None) -> tuple[Any, ...]:
    x, mixed, carried, *weights = ctx.saved_tensors
    of_weights = any(asked_for(ctx, 1 + place) for place in range(len(weights)))
    grad_x, grad_weights = vision_mamba_backward(x, weights, mixed, carried, grad_y, ctx.chunks, ctx.eps, of_weights)
    return grad_x, grad_weights or [None] * len(weights), None, None


differentiated(vision_mamba_kept, _differentiate, _remember)


@register_flop_formula([torch.ops.bridgetune.vision_mamba, torch.ops.bridgetune.vision_mamba_kept])
def _vision_mamba_flops(
    x_shape: Sequence[int], weight_shapes: Sequence[Sequence[int]], chunks: int, *_: Any, **__: Any
) -> int:
    """The products of its matrices and of the causal convolution, and the scan."""
    batch, _channels, height, width = x_shape
    inner, states = weight_shapes[WEIGHTS.index("mamba.A_log")]
    scan = flops_of_scan(batch * chunks, height * width, inner, states)
    return _flops_of_products(x_shape, weight_shapes, chunks) + scan


@register_flop_formula(torch.ops.bridgetune.vision_mamba_backward)
def _backward_flops(
    x_shape: Sequence[int],
    weight_shapes: Sequence[Sequence[int]],
    mixed_shape: Sequence[int],
    carried_shape: Sequence[int],
    grad_shape: Sequence[int],
    chunks: int,
    eps: float,
    of_weights: bool,
    **_: Any,
) -> int:
    """As many products for the gradient of x, and for those of the weights; of the scan's own none are counted."""
    return (2 if of_weights else 1) * _flops_of_products(x_shape, weight_shapes, chunks)


def _flops_of_products(x_shape: Sequence[int], weight_shapes: Sequence[Sequence[int]], chunks: int) -> int:
    shapes = dict(zip(WEIGHTS, weight_shapes, strict=True))
    batch, _channels, height, width = x_shape
    of_a_chunk = sum(math.prod(shapes[f"mamba.{layer}.weight"]) for layer in MATRICES)
    return 2 * batch * height * width * (of_a_chunk * chunks + math.prod(shapes["projection.weight"]))
