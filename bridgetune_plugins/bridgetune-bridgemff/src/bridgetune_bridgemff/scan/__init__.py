"""The selective scan of Mamba (Gu and Dao, 2023): one function, several implementations."""

from __future__ import annotations

import torch
from torch import Tensor

from bridgetune_bridgemff.scan.arguments import Arguments
from bridgetune_bridgemff.scan.backends import BACKENDS, VARIABLE, Choice, report, runs_natively
from bridgetune_bridgemff.scan.operator import scan

__all__ = ["BACKENDS", "VARIABLE", "Choice", "report", "runs_natively", "selective_scan"]


def selective_scan(
    u: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor | None = None,
    dt_bias: Tensor | None = None,
    *,
    backend: Choice = "auto",
) -> Tensor:
    """Scan each channel of a sequence with its own input-dependent linear recurrence.

        h_t = exp(step_t A) h_{t-1} + step_t B_t u_t        y_t = (C_t · h_t + D u_t) SiLU(z_t)

    It is computed in float32, or float64 where `u` is, also under autocast.

    Args:
        u: Input, (batch, length, channel).
        dt: Step sizes, (batch, length, channel), not negative; with `dt_bias`, what they are made of.
        A: Decay rates, (channel, state), negative.
        B: How the input enters the state, (batch, length, state).
        C: How the state is read, (batch, length, state).
        D: Weight of the input in the output, (channel,).
        z: Gate, (batch, length, channel). None: the output is not gated.
        dt_bias: (channel,): the step sizes are softplus(dt + dt_bias). None: they are dt itself.
        backend: `native`, compiled C, for float32 on a CPU; `cuda`, mamba-ssm's kernel; `torch`, torch operations
            on any device; `reference`, a float64 loop over tokens, for tests. `auto`: what the environment variable
            BRIDGETUNE_SCAN names, else the first of these that runs.

    Returns:
        y, (batch, length, channel), in the dtype of `u`.

    Raises:
        RequestError: Shapes that do not belong together, or a backend, asked for by name, that cannot run.
    """
    given = Arguments(u, dt, A, B, C, D, z, dt_bias)
    given.check()
    precision = torch.float64 if u.dtype == torch.float64 else torch.float32
    arguments = given.map(lambda x: x if x.dtype == precision else x.to(precision))
    keep = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in given)
    y: Tensor
    y, _ = scan(*arguments, backend, keep)
    return y.to(u.dtype)
