"""The selective scan by its definition: a token after another, in float64. What the other backends are held to."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgetune_bridgemff.scan.arguments import Arguments


def forward(arguments: Arguments, keep: bool) -> tuple[Tensor, Tensor]:
    """y in the dtype of `u`, and nothing kept: the backward pass starts anew."""
    u, _, _, _, C, D, z, _ = exact = arguments.map(Tensor.double)
    states = _states(exact)
    y = torch.stack([(h * C[:, t, None]).sum(-1) + D * u[:, t] for t, h in enumerate(states)], dim=1)
    return (y if z is None else y * F.silu(z)).to(arguments.u.dtype), arguments.u.new_empty(0)


def backward(arguments: Arguments, grad_y: Tensor, kept: Tensor) -> Arguments:
    """The adjoint, the last token first."""
    u, dt, A, B, C, D, z, dt_bias = exact = arguments.map(Tensor.double)
    step, states = _steps(exact), _states(exact)
    drive = step * u
    grad_out = grad_y.double()
    grad_z = None
    if z is not None:
        y = torch.stack([(h * C[:, t, None]).sum(-1) + D * u[:, t] for t, h in enumerate(states)], dim=1)
        gate = torch.sigmoid(z)
        grad_z = grad_out * y * gate * (1 + z * (1 - gate))
        grad_out = grad_out * z * gate

    grad_u, grad_step = grad_out * D, torch.zeros_like(step)
    grad_A, grad_B, grad_C = torch.zeros_like(A), torch.zeros_like(B), torch.zeros_like(C)
    later = torch.zeros_like(states[0])
    for t in reversed(range(len(states))):
        before = states[t - 1] if t else torch.zeros_like(states[0])
        decay = torch.exp(step[:, t, :, None] * A)
        g = grad_out[:, t, :, None] * C[:, t, None] + later
        grad_C[:, t] = (grad_out[:, t, :, None] * states[t]).sum(1)
        grad_B[:, t] = (g * drive[:, t, :, None]).sum(1)
        grad_u[:, t] += (g * B[:, t, None]).sum(-1) * step[:, t]
        grad_step[:, t] = (g * (B[:, t, None] * u[:, t, :, None] + A * decay * before)).sum(-1)
        grad_A += (g * step[:, t, :, None] * decay * before).sum(0)
        later = decay * g

    grad_bias = None
    if dt_bias is not None:
        grad_step = grad_step * torch.sigmoid(dt + dt_bias)
        grad_bias = grad_step.sum((0, 1))
    grad_D = (grad_out * u).sum((0, 1))
    found = Arguments(grad_u, grad_step, grad_A, grad_B, grad_C, grad_D, grad_z, grad_bias)
    return found.map(lambda x: x.to(grad_y.dtype))


def _steps(arguments: Arguments) -> Tensor:
    dt, dt_bias = arguments.dt, arguments.dt_bias
    return dt if dt_bias is None else F.softplus(dt + dt_bias)


def _states(arguments: Arguments) -> list[Tensor]:
    """h of every token, (batch, channel, state) each."""
    u, A, B, step = arguments.u, arguments.A, arguments.B, _steps(arguments)
    drive = step * u
    h, states = u.new_zeros(u.shape[0], *A.shape), []
    for t in range(u.shape[1]):
        h = torch.exp(step[:, t, :, None] * A) * h + drive[:, t, :, None] * B[:, t, None]
        states.append(h)
    return states
