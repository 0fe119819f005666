"""The selective scan for export: in operations that torch has, whatever runs them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgetune_bridgemff.scan import blocked
from bridgetune_bridgemff.scan.arguments import Arguments

BLOCK = 16
"""Tokens in a block where loops carry the states."""

UNROLLED = 1024
"""The longest sequence whose loops are unrolled: faster where it runs, and a graph that grows with the length."""


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
    """What the operator `bridgetune::selective_scan` answers without gradients, traceable at any length."""
    arguments = Arguments(u, dt, A, B, C, D, z, dt_bias)
    length: object = u.shape[1]
    if isinstance(length, int) and length <= UNROLLED:
        return blocked.forward(arguments, keep=False)
    return _looped(arguments), u.new_empty(0)


def _looped(arguments: Arguments) -> Tensor:
    """As `blocked.forward`, with loops that stay loops, so that the length may be open."""
    from torch._higher_order_ops.scan import scan_op  # no older torch than export needs has it as it is used here

    u, dt, A, B, C, D, z, dt_bias = arguments
    step = dt if dt_bias is None else F.softplus(dt + dt_bias)
    steps, drives, inputs, outputs = (_by_place(x) for x in (step, step * u, B, C))

    nothing = u.new_zeros(*steps.shape[1:], A.shape[1])
    (gained,) = scan_op(_gain, [nothing], [steps, drives, inputs], (A,))
    kept = (steps.sum(0).unsqueeze(-1) * A).exp()
    by_block = [_laid_out(x.transpose(0, 1)) for x in (kept, gained)]
    _, entering = scan_op(_carry, [u.new_zeros(u.shape[0], *A.shape)], by_block, ())
    places = [steps, drives, inputs, outputs]
    _, read = scan_op(_read, [_laid_out(entering.transpose(0, 1))], places, (A,))

    y: Tensor = read.permute(1, 2, 0, 3).flatten(1, 2)[:, : u.shape[1]] + D * u
    return y if z is None else y * F.silu(z)


def _by_place(sequence: Tensor) -> Tensor:
    """(batch, length, x) -> (place in the block, batch, block, x)."""
    length = sequence.shape[1]
    # One block more than are filled: with a single one, the trace of an open length would hold for short ones alone.
    blocks = (length + BLOCK - 1) // BLOCK + 1
    padded = F.pad(sequence, (0, 0, 0, blocks * BLOCK - length))
    return _laid_out(padded.reshape(padded.shape[0], blocks, BLOCK, padded.shape[2]).permute(2, 0, 1, 3))


def _laid_out(x: Tensor) -> Tensor:
    """Contiguous in its strides, too: a loop's state must keep them, and `contiguous` leaves those of a side of 1."""
    return x.clone(memory_format=torch.contiguous_format)


def _advanced(h: Tensor, step: Tensor, drive: Tensor, B: Tensor, A: Tensor) -> Tensor:
    return (step.unsqueeze(-1) * A).exp() * h + drive.unsqueeze(-1) * B.unsqueeze(-2)


def _gain(h: Tensor, step: Tensor, drive: Tensor, B: Tensor, A: Tensor) -> tuple[Any, ...]:
    """A token on, in all blocks together, (batch, block, channel, state)."""
    return (_advanced(h, step, drive, B, A),)


def _carry(h: Tensor, kept: Tensor, gained: Tensor) -> tuple[Any, ...]:
    """A block on, (batch, channel, state); and the state that entered it."""
    return kept * h + gained, h.clone()


def _read(h: Tensor, step: Tensor, drive: Tensor, B: Tensor, C: Tensor, A: Tensor) -> tuple[Any, ...]:
    """A token on, as `_gain`; and what it reads from the states."""
    h = _advanced(h, step, drive, B, A)
    return h, (h * C.unsqueeze(-2)).sum(-1)
