"""The selective scan in C, for float32 on a CPU: `native/scan.c`."""

from __future__ import annotations

import ctypes
from typing import cast

import torch.nn.functional as F
from torch import Tensor

from bridgetune_bridgemff import native
from bridgetune_bridgemff.scan.arguments import Arguments

LANES = 8
"""The library takes a multiple of so many states."""


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("batch", "length", "channels", "states", *"udbcz"))


class _Pointers(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in Arguments._fields)


def block_length(length: int) -> int:
    """Tokens between the states that the forward pass keeps."""
    return int(native.library().bridgetune_block())


def forward(arguments: Arguments, keep: bool) -> tuple[Tensor, Tensor]:
    """y (batch, length, channel), and, to `keep`, the states that enter each block (batch, block, channel, state)."""
    arguments, shape = _laid_out(arguments)
    u, A = arguments.u, arguments.A
    batch, length, _ = u.shape
    y = u.new_empty(u.shape)
    carried = u.new_empty((batch, -(-length // block_length(length)), *A.shape)) if keep else None
    native.call("scan_forward", shape, _pointers(arguments), y, carried)
    return y, u.new_empty(0) if carried is None else carried


def backward(arguments: Arguments, grad_y: Tensor, carried: Tensor) -> Arguments:
    """The adjoint, which computes a block's states anew from those that entered it."""
    states = arguments.A.shape[1]
    arguments, shape = _laid_out(arguments)
    gradients = arguments.map(lambda x: x.new_empty(x.shape))
    native.call(
        "scan_backward", shape, _pointers(arguments), grad_y.contiguous(), carried.contiguous(), _pointers(gradients)
    )
    A, B, C = (gradient[..., :states] for gradient in (gradients.A, gradients.B, gradients.C))
    return gradients._replace(A=A, B=B, C=C)


def _laid_out(arguments: Arguments) -> tuple[Arguments, _Shape]:
    """The arguments as the library takes them: whole lanes of states, and a stride for each token's row."""
    u, dt, A, B, C, D, z, dt_bias = arguments
    padding = -A.shape[1] % LANES
    if padding:  # a state that nothing drives stays 0
        A, B, C = (F.pad(x, (0, padding)) for x in (A, B, C))
    u, dt, B, C = (cast(Tensor, _in_rows(x)) for x in (u, dt, B, C))
    z = _in_rows(z)
    strides = (0 if x is None else x.stride(1) for x in (u, dt, B, C, z))
    bias = None if dt_bias is None else dt_bias.contiguous()
    return Arguments(u, dt, A.contiguous(), B, C, D.contiguous(), z, bias), _Shape(*u.shape, A.shape[1], *strides)


def _in_rows(sequence: Tensor | None) -> Tensor | None:
    """(batch, length, x), copied only where the tokens are not rows of one stride."""
    if sequence is None:
        return None
    batch, row, item = sequence.stride()
    regular = item == 1 and (sequence.shape[0] == 1 or batch == row * sequence.shape[1])
    return sequence if regular else sequence.contiguous()


def _pointers(arguments: Arguments) -> _Pointers:
    return _Pointers(*map(native.pointer, arguments))
