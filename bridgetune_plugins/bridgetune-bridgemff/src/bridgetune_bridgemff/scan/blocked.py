"""The selective scan in torch operations, on any device, with its adjoint.

The token loop is time-blocked. All blocks of a sequence first advance together, a token a step, to learn what each
adds to the state; how much it keeps of the state that enters it is known from its steps' sum. The states are carried
from block to block, and all blocks advance again from the states that enter them. Decays are only ever multiplied,
never divided by, so that any decay in [0, 1] is safe; and no step holds more than a state for each block.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgetune_bridgemff.scan.arguments import Arguments


def block_length(length: int) -> int:
    """Tokens in a block. A step within the blocks costs more than a carry between them, hence fewer of those."""
    return max(1, math.isqrt(length) // 2)


def forward(arguments: Arguments, keep: bool) -> tuple[Tensor, Tensor]:
    """y (batch, length, channel), and, to `keep`, the states that enter each block (batch, block, channel, state)."""
    u, dt, A, B, C, D, z, dt_bias = arguments
    length = u.shape[1]
    step = dt if dt_bias is None else F.softplus(dt + dt_bias)
    blocks = _Blocks(step, A, step * u, B)
    entering = blocks.entering()
    h, outputs = entering, []
    for t, C_t in enumerate(blocks.tokens(C)):
        h = blocks.advanced(h, t)
        outputs.append((h * C_t.unsqueeze(-2)).sum(-1))
    y = torch.stack(outputs, dim=2).flatten(1, 2)[:, :length] + D * u
    if z is not None:
        y = y * F.silu(z)
    return y, entering if keep else u.new_empty(0)


def backward(arguments: Arguments, grad_y: Tensor, carried: Tensor) -> Arguments:
    """The adjoint: the gradient of h_t is g_t = C_t grad_t + m_{t+1}, and m_t = decay_t g_t is itself a scan.

    It computes the states anew from those that entered the blocks.
    """
    u, dt, A, B, C, D, z, dt_bias = arguments
    length = u.shape[1]
    step = dt if dt_bias is None else F.softplus(dt + dt_bias)
    gate = None if z is None else torch.sigmoid(z)
    grad_out = grad_y if z is None or gate is None else grad_y * z * gate

    blocks = _Blocks(step, A, step * u, B)
    decays = [blocks.decay(t) for t in range(blocks.length)]
    states = [carried]
    for t, decay in enumerate(decays):
        states.append(blocks.drive(t).addcmul_(decay, states[-1]))
    ungated = None
    if z is not None:
        read = [(h * C_t.unsqueeze(-2)).sum(-1) for h, C_t in zip(states[1:], blocks.tokens(C), strict=True)]
        ungated = torch.stack(read, dim=2).flatten(1, 2)[:, :length] + D * u

    tokens = list(zip(blocks.tokens(grad_out), blocks.tokens(C), blocks.tokens(B), strict=True))
    m = blocks.entering_backwards(grad_out, C, decays)
    grad_A = torch.zeros_like(A)
    grads: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for t in reversed(range(blocks.length)):
        grad_t, C_t, B_t = tokens[t]
        g = torch.addcmul(m, grad_t.unsqueeze(-1), C_t.unsqueeze(-2))
        grad_C = (states[t + 1] * grad_t.unsqueeze(-1)).sum(-2)
        grad_B = (g * blocks.drives[t].unsqueeze(-1)).sum(-2)
        grad_drive = (g * B_t.unsqueeze(-2)).sum(-1)
        m = decays.pop().mul_(g)
        exponent = states.pop().copy_(states[t]).mul_(m)  # the last state has served
        grad_step = (exponent * A).sum(-1)
        grad_A += exponent.mul_(blocks.steps[t].unsqueeze(-1)).sum((0, 1))
        grads.append((grad_C, grad_B, grad_drive, grad_step))

    joined = (torch.stack(of_tokens[::-1], dim=2).flatten(1, 2)[:, :length] for of_tokens in zip(*grads, strict=True))
    grad_C, grad_B, grad_drive, grad_step = joined
    grad_u = grad_drive * step + grad_out * D
    grad_dt = grad_drive * u + grad_step
    grad_bias = None
    if dt_bias is not None:
        grad_dt = grad_dt * torch.sigmoid(dt + dt_bias)
        grad_bias = _over_tokens(grad_dt)
    grad_z = None
    if z is not None and gate is not None and ungated is not None:
        grad_z = grad_y * ungated * gate * (1 + z * (1 - gate))
    return Arguments(grad_u, grad_dt, grad_A, grad_B, grad_C, _over_tokens(grad_out * u), grad_z, grad_bias)


def _over_tokens(x: Tensor) -> Tensor:
    """The sum of (batch, length, channel) over all tokens, which may cancel; in double where the device has it."""
    wide = x.dtype if x.device.type == "mps" else torch.float64
    return x.sum((0, 1), dtype=wide).to(x.dtype)


class _Blocks:
    """A recurrence h_t = exp(step_t A) h_{t-1} + drive_t B_t, cut into blocks that advance together.

    A token that pads the last block has step 0 and so changes no state.
    """

    def __init__(self, step: Tensor, A: Tensor, drive: Tensor, B: Tensor) -> None:
        self.A = A
        self.length = block_length(step.shape[1])
        self.steps, self.drives, self.inputs = self.tokens(step), self.tokens(drive), self.tokens(B)

    def tokens(self, sequence: Tensor) -> tuple[Tensor, ...]:
        """(batch, length, x) -> for each place in a block, the tokens there (batch, block, x)."""
        padded = F.pad(sequence, (0, 0, 0, -sequence.shape[1] % self.length)).contiguous()
        return padded.view(len(padded), -1, self.length, padded.shape[2]).unbind(2)

    def decay(self, t: int) -> Tensor:
        return (self.steps[t].unsqueeze(-1) * self.A).exp_()

    def advanced(self, h: Tensor, t: int) -> Tensor:
        """The states (batch, block, channel, state) one token on."""
        return self.drive(t).addcmul_(self.decay(t), h)

    def drive(self, t: int) -> Tensor:
        return self.drives[t].unsqueeze(-1) * self.inputs[t].unsqueeze(-2)

    def kept(self) -> Tensor:
        """How much of a state a whole block leaves."""
        return (torch.stack(self.steps).sum(0).unsqueeze(-1) * self.A).exp_()

    def entering(self) -> Tensor:
        """The states that enter each block (batch, block, channel, state)."""
        gained = self.drive(0)
        for t in range(1, self.length):
            gained = self.advanced(gained, t)
        return _carried(self.kept(), gained)

    def entering_backwards(self, grad: Tensor, C: Tensor, decays: list[Tensor]) -> Tensor:
        """m of the token behind each block, (batch, block, channel, state)."""
        gained = torch.zeros_like(decays[0])
        for decay, grad_t, C_t in reversed(list(zip(decays, self.tokens(grad), self.tokens(C), strict=True))):
            gained = gained.addcmul_(grad_t.unsqueeze(-1), C_t.unsqueeze(-2)).mul_(decay)
        return _carried(self.kept().flip(1), gained.flip(1)).flip(1)


def _carried(kept: Tensor, gained: Tensor) -> Tensor:
    entering = [torch.zeros_like(gained[:, 0])]
    for block in range(gained.shape[1] - 1):
        entering.append(torch.addcmul(gained[:, block], kept[:, block], entering[-1]))
    return torch.stack(entering, dim=1)
