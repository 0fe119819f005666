"""The selective scan of Mamba (Gu and Dao, 2023) in torch operations, on any device, with its adjoint.

The token loop is time-blocked. All blocks of a sequence first advance together, one token a step, to learn
how much each keeps of the state that enters it and what it adds; the states are carried from block to block;
then all blocks advance again from the states that enter them. Decays are only ever multiplied, never divided
by, so that any decay in [0, 1] is safe.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def selective_scan(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor | None = None
) -> Tensor:
    """Scan each channel of a sequence with its own input-dependent linear recurrence.

        h_t = exp(dt_t A) h_{t-1} + dt_t B_t u_t        y_t = C_t · h_t + D u_t

    The scan is computed in float32, or float64 where `u` is, also under autocast.

    Args:
        u: Input, (batch, length, channel).
        dt: Step sizes, (batch, length, channel), not negative: softplus has already been applied.
        A: Decay rates, (channel, state), negative.
        B: How the input enters the state, (batch, length, state).
        C: How the state is read, (batch, length, state).
        D: Weight of the input in the output, (channel,).
        z: Gate, (batch, length, channel): the output is multiplied by SiLU(z). None: it is not gated.

    Returns:
        y, (batch, length, channel), in the dtype of `u`.
    """
    precision = torch.promote_types(u.dtype, torch.float32)
    length = u.shape[1]
    block = max(1, math.isqrt(length) // 2)  # a step within the blocks costs more than a carry between them
    padding = -length % block

    def prepared(sequence: Tensor) -> Tensor:
        # a token with dt = 0 neither decays the state nor drives it
        return F.pad(sequence.to(precision), (0, 0, 0, padding)).contiguous()

    inputs = prepared(u), prepared(dt), A.to(precision), prepared(B), prepared(C)
    y: Tensor = _SelectiveScan.apply(*inputs, block)  # type: ignore[no-untyped-call]
    y = y[:, :length] + D.to(precision) * u
    if z is not None:
        y = y * F.silu(z.to(precision))
    return y.to(u.dtype)


def linear_scan_(decay: Tensor, drive: Tensor, block: int, *, reverse: bool = False) -> Tensor:
    """Solve h_t = decay_t h_{t-1} + drive_t, h before the first token being 0, and overwrite `drive` with h.

    Args:
        decay: (batch, length, ...), in [0, 1].
        drive: (batch, length, ...), of the same shape; overwritten.
        block: Tokens in a block; divides the length. Decides the speed only.
        reverse: Scan from the last token to the first: h_t = decay_t h_{t+1} + drive_t.

    Returns:
        `drive`, which now holds h.
    """
    blocks = list(range(drive.shape[1] // block))
    steps = list(range(block))
    if reverse:
        blocks.reverse()
        steps.reverse()
    blocked = (drive.shape[0], len(blocks), block, *drive.shape[2:])
    decay, state = decay.view(blocked), drive.view(blocked)

    gained, kept = state[:, :, steps[0]], decay[:, :, steps[0]]
    for t in steps[1:]:
        gained = torch.addcmul(state[:, :, t], decay[:, :, t], gained)
        kept = kept * decay[:, :, t]

    entering = [torch.zeros_like(gained[:, 0])]
    for b in blocks[:-1]:
        entering.append(torch.addcmul(gained[:, b], kept[:, b], entering[-1]))
    if reverse:
        entering.reverse()

    previous = torch.stack(entering, dim=1)
    for t in steps:
        previous = state[:, :, t].addcmul_(decay[:, :, t], previous)
    return drive


class _SelectiveScan(torch.autograd.Function):
    """y_t = C_t · h_t of `selective_scan`, with its adjoint, which computes the decays anew.

    Sums of products are written out: on a CPU they outrun matrix products as small as these, and autocast
    leaves them in float32.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, block: int) -> Tensor:
        h = linear_scan_(_decay(dt, A), (dt * u).unsqueeze(-1) * B.unsqueeze(-2), block)
        ctx.save_for_backward(u, dt, A, B, C, h)
        ctx.block = block
        return (h * C.unsqueeze(-2)).sum(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of h_t is g_t = C_t grad_y_t + m_{t+1}, where m_t = decay_t g_t is itself a scan."""
        u, dt, A, B, C, h = ctx.saved_tensors
        decay = _decay(dt, A)
        g = grad_y.unsqueeze(-1) * C.unsqueeze(-2)
        m = linear_scan_(decay, decay * g, ctx.block, reverse=True)
        g[:, :-1] += m[:, 1:]

        product = decay  # has served; a fresh tensor for each product would cost more than the product
        grad_C = torch.mul(h, grad_y.unsqueeze(-1), out=product).sum(-2)
        grad_B = torch.mul(g, (dt * u).unsqueeze(-1), out=product).sum(-2)
        grad_drive = torch.mul(g, B.unsqueeze(-2), out=product).sum(-1)

        grad_exponent = m
        grad_exponent[:, 0] = 0
        grad_exponent[:, 1:] *= h[:, :-1]
        grad_A = torch.mul(grad_exponent, dt.unsqueeze(-1), out=product).sum((0, 1))
        grad_dt = grad_drive * u + grad_exponent.mul_(A).sum(-1)
        return grad_drive * dt, grad_dt, grad_A, grad_B, grad_C, None


def _decay(dt: Tensor, A: Tensor) -> Tensor:
    return (dt.unsqueeze(-1) * A).exp_()
