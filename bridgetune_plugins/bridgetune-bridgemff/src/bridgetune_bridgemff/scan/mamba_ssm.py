"""The selective scan of the package mamba-ssm, for CUDA."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import torch
from torch import Tensor

from bridgetune_bridgemff.scan import blocked
from bridgetune_bridgemff.scan.arguments import Arguments

CLOSE = 1e-3
"""Relative to the largest value: its kernels round otherwise, and their exponential is the fast one."""


def problem(device: torch.device) -> str:
    """Why it cannot be used on `device`, in a line; empty where it can.

    The package imports without its compiled kernel, so the kernel itself is imported, and checked on a small scan.
    """
    try:
        importlib.import_module("selective_scan_cuda")
        _function()
    except Exception as error:  # whatever a package built for another torch or CUDA raises
        return f"mamba-ssm's kernel does not import ({' '.join(f'{type(error).__name__}: {error}'.split())})"
    return _check(device)


def forward(arguments: Arguments, keep: bool) -> tuple[Tensor, Tensor]:
    """y in the dtype of `u`, and nothing kept: the backward pass starts anew."""
    y, _ = _run(arguments)
    return y, arguments.u.new_empty(0)


def backward(arguments: Arguments, grad_y: Tensor, kept: Tensor) -> Arguments:
    """The gradients, by mamba-ssm's own."""
    _, context = _run(arguments)
    du, ddt, dA, dB, dC, dD, dz, dbias = _function().backward(context, _turned(grad_y))[:8]
    return Arguments(du, ddt, dA, dB, dC, dD, dz, dbias).map(lambda x: _turned(x) if x.ndim == 3 else x)


class _Context:
    """Stands in for autograd's: an operator runs below autograd, which therefore cannot be asked to differentiate."""

    saved_tensors: tuple[Tensor, ...]

    def save_for_backward(self, *tensors: Tensor) -> None:
        self.saved_tensors = tensors


def _run(arguments: Arguments) -> tuple[Tensor, _Context]:
    context = _Context()
    turned = arguments.map(lambda x: _turned(x) if x.ndim == 3 else x.contiguous())
    y: Tensor = _function().forward(context, *turned, turned.dt_bias is not None)
    return _turned(y), context


def _turned(sequence: Tensor) -> Tensor:
    """(batch, length, x) -> (batch, x, length), mamba-ssm's layout; or back."""
    return sequence.transpose(1, 2).contiguous()


def _function() -> Any:
    return importlib.import_module("mamba_ssm.ops.selective_scan_interface").SelectiveScanFn


@functools.cache
def _check(device: torch.device) -> str:
    """Scan a short sequence, and compare values and gradients with those of the torch operations."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    u, dt, z, grad_y = (drawn(2, 67, 16) for _ in range(4))
    arguments = Arguments(u, dt, -drawn(16, 16).exp(), drawn(2, 67, 16), drawn(2, 67, 16), drawn(16), z, drawn(16))
    expected, carried = blocked.forward(arguments, keep=True)
    try:
        results = [forward(arguments, keep=False)[0], *backward(arguments, grad_y, carried)]
    except Exception as error:  # an illegal instruction for this GPU, say
        return f"mamba-ssm's kernel fails ({' '.join(f'{type(error).__name__}: {error}'.split())})"
    wanted = [expected, *blocked.backward(arguments, grad_y, carried)]
    for name, ours, theirs in zip(("y", *Arguments._fields), wanted, results, strict=True):
        assert ours is not None
        assert theirs is not None
        off = float((ours - theirs).abs().max() / ours.abs().max())
        if not off <= CLOSE:
            of = name if name == "y" else f"the gradient of {name}"
            return f"mamba-ssm's kernel is off by {off:.1g} in {of} on a small scan"
    return ""
