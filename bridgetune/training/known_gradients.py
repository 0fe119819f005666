"""A value whose gradients are known before anybody asks for them: what is handed on to a network at the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class _Differentiated(torch.autograd.Function):
    """A value whose gradients are known already."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: Sequence[Tensor], *at: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *towards: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(towards[0] * gradient for gradient in ctx.gradients)


def with_gradients(value: Tensor, at: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """A scalar of that value whose derivatives by `at` are `gradients`."""
    differentiated: Tensor = _Differentiated.apply(value, gradients, *at)  # type: ignore[no-untyped-call]
    return differentiated
