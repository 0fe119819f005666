"""The selective scan for export: in operations that torch has, whatever runs them.

As `blocked`, it has blocks of tokens advance together. Where the length is known, the last axis is that of the blocks,
(state, channel, block): runtimes of exported programs are fast where it is long and nothing is broadcast along it.
Where the length is open, loops go over the places of a block, and over the blocks.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgetune_bridgemff.scan.blocked import block_length

PART = 1024
"""Tokens of a known length that are scanned together; a loop carries the state from part to part of a longer one.

What they need stays in a cache, and the graph does not grow with the length.
"""

BLOCK = 16
"""Tokens in a block of a sequence of open length."""


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
    step = dt if dt_bias is None else F.softplus(dt + dt_bias)
    sequences = (step, step * u, B, C)
    length: object = u.shape[1]
    if not isinstance(length, int):
        read = _of_open_length(*sequences, A)
    elif length > PART:
        read = _in_parts(*sequences, A)
    else:
        _, read = _part(u.new_zeros(u.shape[0] * A.numel()), *sequences, A)
    y = read[:, : u.shape[1]] + D * u
    return y if z is None else y * F.silu(z), u.new_empty(0)


def _in_parts(step: Tensor, drive: Tensor, B: Tensor, C: Tensor, A: Tensor) -> Tensor:
    """What a long sequence reads from its states, (batch, length, channel), padded."""
    from torch._higher_order_ops.scan import scan_op  # no older torch than export needs has it as it is used here

    batch, length, _ = step.shape

    def by_part(sequence: Tensor) -> Tensor:
        """(batch, length, x) -> (part, batch, PART, x)."""
        padded = F.pad(sequence, (0, 0, 0, -length % PART))
        return _laid_out(padded.reshape(batch, -1, PART, padded.shape[2]).transpose(0, 1))

    nothing = step.new_zeros(batch * A.numel())
    _, read = scan_op(_part, [nothing], [by_part(x) for x in (step, drive, B, C)], (A,))
    joined: Tensor = read.transpose(0, 1).flatten(1, 2)
    return joined


def _part(state: Tensor, step: Tensor, drive: Tensor, B: Tensor, C: Tensor, A: Tensor) -> tuple[Tensor, Tensor]:
    """The state (state · channel · batch,) behind some tokens, and what they read (batch, length, channel).

    A token that pads the last block has step 0 and drive 0, and so changes no state.
    """
    (batch, length, channels), states = step.shape, A.shape[1]
    places = block_length(length)
    blocks = -(-length // places)

    def by_place(sequence: Tensor, shape: tuple[int, ...]) -> list[Tensor]:
        """(batch, length, x) -> for each place in a block (*shape, batch · block), of x numbers in all."""
        padded = F.pad(sequence, (0, 0, 0, blocks * places - length))
        return _columns(padded.reshape(batch * blocks, -1), places, shape)

    rates = A.t().unsqueeze(-1)
    steps, drives = (by_place(x, (channels,)) for x in (step, drive))
    inputs, outputs = (by_place(x, (states, 1)) for x in (B, C))
    decays = [(step_t * rates).exp() for step_t in steps]
    gains = [drive_t * B_t for drive_t, B_t in zip(drives, inputs, strict=True)]

    gained = gains[0]
    for decay, gain in zip(decays[1:], gains[1:], strict=True):
        gained = decay * gained + gain
    kept = (torch.stack(steps).sum(0) * rates).exp()
    h, entering = state, []
    by_block = (_columns(x.reshape(-1, blocks), blocks, ()) for x in (kept, gained))
    for block_kept, block_gained in zip(*by_block, strict=True):
        entering.append(h)
        h = block_kept * h + block_gained
    leaving = _laid_out(h)

    h, read = torch.stack(entering).t().reshape(states, channels, batch * blocks), []
    over_states = step.new_ones(1, states)  # by a product of matrices, which runtimes sum faster than by a sum
    for decay, gain, C_t in zip(decays, gains, outputs, strict=True):
        h = decay * h + gain
        read.append(over_states @ (h * C_t).reshape(states, -1))
    tokens = torch.cat(read).reshape(places * channels, -1).t()
    return leaving, _laid_out(tokens.reshape(batch, blocks * places, channels)[:, :length])


def _columns(x: Tensor, count: int, shape: tuple[int, ...]) -> list[Tensor]:
    """A matrix (rows, columns), transposed and cut into `count`, each (*shape, rows).

    Cut as a vector: ONNX Runtime transposes every piece for itself where it can, which takes longer.
    """
    rows, columns = x.shape
    pieces = torch.split(x.t().reshape(-1), columns // count * rows)
    return [piece.reshape(*shape, rows) for piece in pieces]


def _of_open_length(step: Tensor, drive: Tensor, B: Tensor, C: Tensor, A: Tensor) -> Tensor:
    """As `_in_parts`, with loops that stay loops, so that the length may be open."""
    from torch._higher_order_ops.scan import scan_op

    steps, drives, inputs, outputs = (_by_place(x) for x in (step, drive, B, C))

    nothing = step.new_zeros(*steps.shape[1:], A.shape[1])
    (gained,) = scan_op(_gain, [nothing], [steps, drives, inputs], (A,))
    kept = (steps.sum(0).unsqueeze(-1) * A).exp()
    by_block = [_laid_out(x.transpose(0, 1)) for x in (kept, gained)]
    _, entering = scan_op(_carry, [step.new_zeros(step.shape[0], *A.shape)], by_block, ())
    places = [steps, drives, inputs, outputs]
    _, read = scan_op(_read, [_laid_out(entering.transpose(0, 1))], places, (A,))

    joined: Tensor = read.permute(1, 2, 0, 3).flatten(1, 2)
    return joined


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
