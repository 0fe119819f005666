"""The selective scan as an operator that torch knows: autograd, `torch.compile` and `torch.export` go through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from bridgetune_bridgemff.operators import differentiated, operator, shapes
from bridgetune_bridgemff.scan.arguments import Arguments
from bridgetune_bridgemff.scan.backends import chosen

_ARGUMENTS = "Tensor u, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, Tensor? z, Tensor? dt_bias"
_GRADIENTS = ", ".join(["Tensor"] * len(Arguments._fields))


@operator("selective_scan", f"({_ARGUMENTS}, str backend, bool keep) -> (Tensor, Tensor)", differentiable=True)
def scan(
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor | None,
    dt_bias: Tensor | None,
    backend: str,
    keep: bool,
) -> tuple[Tensor, Tensor]:
    """y, and what the backward pass needs, where there will be one (`keep`)."""
    return chosen(backend, u.device, u.dtype).forward(Arguments(u, dt, A, B, C, D, z, dt_bias), keep)


@shapes("selective_scan")
def _scan_shapes(
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor | None,
    dt_bias: Tensor | None,
    backend: str,
    keep: bool,
) -> tuple[Tensor, Tensor]:
    y = u.new_empty(u.shape)
    if not keep:
        return y, u.new_empty(0)
    batch, length, channels = u.shape
    block = chosen(backend, u.device, u.dtype).block_length(length)
    return y, u.new_empty((batch, (length + block - 1) // block, channels, A.shape[1]) if block else 0)


@operator("selective_scan_backward", f"({_ARGUMENTS}, Tensor grad_y, Tensor carried, str backend) -> ({_GRADIENTS})")
def scan_backward(
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor | None,
    dt_bias: Tensor | None,
    grad_y: Tensor,
    carried: Tensor,
    backend: str,
) -> tuple[Tensor, ...]:
    """The gradients in the arguments' order; an empty one for an argument that is None."""
    arguments = Arguments(u, dt, A, B, C, D, z, dt_bias)
    gradients = chosen(backend, u.device, u.dtype).backward(arguments, grad_y, carried)
    return tuple(u.new_empty(0) if gradient is None else gradient.contiguous() for gradient in gradients)


@shapes("selective_scan_backward")
def _gradient_shapes(
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor | None,
    dt_bias: Tensor | None,
    grad_y: Tensor,
    carried: Tensor,
    backend: str,
) -> tuple[Tensor, ...]:
    arguments = Arguments(u, dt, A, B, C, D, z, dt_bias)
    return tuple(u.new_empty(0 if argument is None else argument.shape) for argument in arguments)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *arguments, ctx.backend, _ = inputs
    ctx.save_for_backward(*arguments, output[1])
    ctx.mark_non_differentiable(output[1])


def _differentiate(ctx: Any, grad_y: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    *arguments, carried = ctx.saved_tensors
    gradients = scan_backward(*arguments, grad_y, carried, ctx.backend)
    given = (None if argument is None else gradient for argument, gradient in zip(arguments, gradients, strict=True))
    return *given, None, None


differentiated(scan, _differentiate, _remember)


def flops_of_scan(batch: int, length: int, channels: int, states: int) -> int:
    """For each token, channel and state: an exponent, its exponential, three products and two sums."""
    return 7 * batch * length * channels * states


@register_flop_formula(torch.ops.bridgetune.selective_scan)
def _flops(u_shape: Sequence[int], dt_shape: Sequence[int], A_shape: Sequence[int], *_: Any, **__: Any) -> int:
    batch, length, channels = u_shape
    return flops_of_scan(batch, length, channels, A_shape[1])
