"""What the attention bridge does to each map in C, `native/bridge.c`, and its gradients."""

from __future__ import annotations

import ctypes
from typing import Any

from torch import Tensor

from bridgetune_bridgemff import native
from bridgetune_bridgemff.operators import differentiated, operator, shapes


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("batch", "channels", "pixels"))


@operator("averages", "(Tensor t, Tensor s) -> Tensor", differentiable=True)
def averages(t: Tensor, s: Tensor) -> Tensor:
    """The mean of t s + t over each picture, (B, C, H, W) and (B, 1, H, W) -> (B, C)."""
    t, s = t.contiguous(), s.contiguous()
    y = t.new_empty(t.shape[:2])
    native.call("averages", _shape(t), t, s, y)
    return y


@operator("averages_backward", "(Tensor t, Tensor s, Tensor grad_y) -> (Tensor, Tensor)")
def averages_backward(t: Tensor, s: Tensor, grad_y: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of t and s."""
    t, s = t.contiguous(), s.contiguous()
    gradients = t.new_empty(t.shape), s.new_empty(s.shape)
    native.call("averages_backward", _shape(t), t, s, grad_y.contiguous(), *gradients)
    return gradients


@operator("bridged", "(Tensor t, Tensor s, Tensor a) -> Tensor", differentiable=True)
def bridged(t: Tensor, s: Tensor, a: Tensor) -> Tensor:
    """(t s + t) a + t s, (B, C, H, W), (B, 1, H, W) and (B, C) -> (B, C, H, W)."""
    t, s, a = t.contiguous(), s.contiguous(), a.contiguous()
    y = t.new_empty(t.shape)
    native.call("bridged", _shape(t), t, s, a, y)
    return y


def bridge_in_place(t: Tensor, s: Tensor, a: Tensor) -> None:
    """`bridged` in the place of t, which is contiguous: without a gradient."""
    native.call("bridged", _shape(t), t, s.contiguous(), a.contiguous(), t)


@operator("bridged_backward", "(Tensor t, Tensor s, Tensor a, Tensor grad_y) -> (Tensor, Tensor, Tensor)")
def bridged_backward(t: Tensor, s: Tensor, a: Tensor, grad_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of t, s and a."""
    t, s, a = t.contiguous(), s.contiguous(), a.contiguous()
    gradients = t.new_empty(t.shape), s.new_empty(s.shape), a.new_empty(a.shape)
    native.call("bridged_backward", _shape(t), t, s, a, grad_y.contiguous(), *gradients)
    return gradients


def _shape(t: Tensor) -> _Shape:
    batch, channels, height, width = t.shape
    return _Shape(batch, channels, height * width)


@shapes("averages")
def _(t: Tensor, s: Tensor) -> Tensor:
    return t.new_empty(t.shape[:2])


@shapes("averages_backward")
def _(t: Tensor, s: Tensor, grad_y: Tensor) -> tuple[Tensor, Tensor]:
    return t.new_empty(t.shape), s.new_empty(s.shape)


@shapes("bridged")
def _(t: Tensor, s: Tensor, a: Tensor) -> Tensor:
    return t.new_empty(t.shape)


@shapes("bridged_backward")
def _(t: Tensor, s: Tensor, a: Tensor, grad_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return t.new_empty(t.shape), s.new_empty(s.shape), a.new_empty(a.shape)


def _remember(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate_averages(ctx: Any, grad_y: Tensor) -> tuple[Tensor, ...]:
    gradients: tuple[Tensor, ...] = averages_backward(*ctx.saved_tensors, grad_y)
    return gradients


def _differentiate_bridged(ctx: Any, grad_y: Tensor) -> tuple[Tensor, ...]:
    gradients: tuple[Tensor, ...] = bridged_backward(*ctx.saved_tensors, grad_y)
    return gradients


differentiated(averages, _differentiate_averages, _remember)
differentiated(bridged, _differentiate_bridged, _remember)
