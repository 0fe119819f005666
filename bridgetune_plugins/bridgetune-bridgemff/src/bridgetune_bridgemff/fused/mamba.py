"""The vision Mamba layer in C, `native/vision_mamba.c`: in inference alone, without a gradient."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from bridgetune_bridgemff import native
from bridgetune_bridgemff.operators import operator, shapes
from bridgetune_bridgemff.scan.operator import flops_of_scan


class _Shape(ctypes.Structure):
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


@operator("vision_mamba", "(Tensor x, Tensor[] weights, int chunks, float eps) -> Tensor")
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
    shape = _Shape(batch, channels, outputs, height * width, chunks, inner, rank, states, taps, eps)
    native.call("vision_mamba", shape, _Pointers(*map(native.pointer, weights)), x, y)
    return y


@shapes("vision_mamba")
def _(x: Tensor, weights: Sequence[Tensor], chunks: int, eps: float) -> Tensor:
    return x.new_empty(x.shape[0], weights[-1].shape[0], *x.shape[2:])


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
