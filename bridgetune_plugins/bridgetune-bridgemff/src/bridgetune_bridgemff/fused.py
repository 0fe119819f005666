"""What layers do natively in inference, as operators that torch knows: float32 on a CPU, no gradient.

As operators they are seen by whatever looks at operators, a FLOP counter for one.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from bridgetune_bridgemff import native
from bridgetune_bridgemff.scan.operator import flops_of_scan


class _ConvolutionShape(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int64) for name in ("batch", "channels", "outputs", "height", "width", "kernel", "dilation")
    )


class _StageShape(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "channels", "height", "width", "groups")),
        ("eps", ctypes.c_float),
    )


class _MambaShape(ctypes.Structure):
    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in ("batch", "channels", "outputs", "length", "chunks", "inner", "rank", "states", "taps")
        ),
        ("eps", ctypes.c_float),
    )


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


@torch.library.custom_op(
    "bridgetune::convolution", mutates_args=(), schema="(Tensor x, Tensor weight, Tensor? bias, int dilation) -> Tensor"
)
def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """Of stride 1 with zeros around: (B, C, H, W) and (C', C, k, k), k odd -> (B, C', H, W)."""
    x, weight = x.contiguous(), weight.contiguous()
    batch, channels, height, width = x.shape
    y = x.new_empty(batch, len(weight), height, width)
    shape = _ConvolutionShape(batch, channels, len(weight), height, width, weight.shape[-1], dilation)
    native.call("convolve", shape, x, weight, bias, y)
    return y


@torch.library.custom_op(
    "bridgetune::down",
    mutates_args=(),
    schema="(Tensor x, Tensor weight, Tensor bias, int groups, float eps) -> Tensor",
)
def down(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    """GELU(max-pool(group-norm(x))), (B, C, H, W) -> (B, C, H/2, W/2)."""
    x = x.contiguous()
    y = x.new_empty(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)
    native.call("down", _StageShape(*x.shape, groups, eps), x, weight, bias, y)
    return y


@torch.library.custom_op(
    "bridgetune::up",
    mutates_args=(),
    schema="(Tensor x, Tensor weight, Tensor bias, Tensor skip, int groups, float eps) -> Tensor",
)
def up(x: Tensor, weight: Tensor, bias: Tensor, skip: Tensor, groups: int, eps: float) -> Tensor:
    """GELU(doubled(group-norm(x))) + skip, (B, C, H, W) and (B, C, 2H, 2W) -> (B, C, 2H, 2W)."""
    x, skip = x.contiguous(), skip.contiguous()
    y = torch.empty_like(skip)
    native.call("up", _StageShape(*x.shape, groups, eps), x, weight, bias, skip, y)
    return y


@torch.library.custom_op(
    "bridgetune::vision_mamba",
    mutates_args=(),
    schema="(Tensor x, Tensor[] weights, int chunks, float eps) -> Tensor",
)
def vision_mamba(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> Tensor:
    """The parallel vision Mamba layer, (B, C, H, W) -> (B, C', H, W).

    Args:
        weights: Its parameters in the order of `WEIGHTS`.
        chunks: Of the channels, scanned alike.
        eps: Of the layer normalisation.
    """
    x = x.contiguous()
    weights = [weight.contiguous() for weight in weights]
    named = dict(zip(WEIGHTS, weights, strict=True))
    batch, channels, height, width = x.shape
    (inner, states), outputs = named["mamba.A_log"].shape, len(named["projection.weight"])
    y = x.new_empty(batch, outputs, height, width)
    rank, taps = named["mamba.dt_proj.weight"].shape[1], named["mamba.conv1d.weight"].shape[-1]
    shape = _MambaShape(batch, channels, outputs, height * width, chunks, inner, rank, states, taps, eps)
    native.call("vision_mamba", shape, _Pointers(*map(native.pointer, weights)), x, y)
    return y


@convolution.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0], *x.shape[2:])


@down.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    return x.new_empty(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)


@up.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor, skip: Tensor, groups: int, eps: float) -> Tensor:
    return torch.empty_like(skip)


@vision_mamba.register_fake
def _(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> Tensor:
    return x.new_empty(x.shape[0], weights[-1].shape[0], *x.shape[2:])


@register_flop_formula(torch.ops.bridgetune.convolution)
def _convolution_flops(x_shape: Sequence[int], weight_shape: Sequence[int], *_: Any, **__: Any) -> int:
    batch, _channels, height, width = x_shape
    return 2 * batch * height * width * math.prod(weight_shape)


@register_flop_formula(torch.ops.bridgetune.vision_mamba)
def _vision_mamba_flops(
    x_shape: Sequence[int], weight_shapes: Sequence[Sequence[int]], chunks: int, *_: Any, **__: Any
) -> int:
    """The products of its matrices and of the causal convolution, and the scan."""
    shapes = dict(zip(WEIGHTS, weight_shapes, strict=True))
    batch, _channels, height, width = x_shape
    pixels = batch * height * width
    of_a_chunk = sum(math.prod(shapes[f"mamba.{layer}.weight"]) for layer in MATRICES)
    products = of_a_chunk * chunks + math.prod(shapes["projection.weight"])
    inner, states = shapes["mamba.A_log"]
    return 2 * pixels * products + flops_of_scan(batch * chunks, height * width, inner, states)
