"""What a selective scan takes, and what its adjoint returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

from torch import Tensor

from bridgetune.errors import RequestError


class Arguments(NamedTuple):
    """The tensors of `selective_scan`, all of one dtype and device; or their gradients, shaped alike.

    Attributes:
        u, dt: (batch, length, channel).
        A: (channel, state).
        B, C: (batch, length, state).
        D: (channel,).
        z: (batch, length, channel), or None.
        dt_bias: (channel,), or None.
    """

    u: Tensor
    dt: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    z: Tensor | None
    dt_bias: Tensor | None

    def map(self, change: Callable[[Tensor], Tensor]) -> Arguments:
        """`change` applied to each tensor that is there."""
        changed = (None if tensor is None else change(tensor) for tensor in self)
        return Arguments(*cast(Iterator[Tensor], changed))

    def check(self) -> None:
        """Raise `RequestError` for shapes that do not belong together."""
        if self.u.ndim != 3 or self.A.ndim != 2:
            raise RequestError(
                f"selective_scan: got u {tuple(self.u.shape)} and A {tuple(self.A.shape)},"
                " expected (batch, length, channel) and (channel, state)"
            )
        (batch, length, channels), states = self.u.shape, self.A.shape[1]
        sequence, state, channel = (batch, length, channels), (batch, length, states), (channels,)
        expected = (sequence, sequence, (channels, states), state, state, channel, sequence, channel)
        for name, given, shape in zip(self._fields, self, expected, strict=True):
            if given is not None and given.shape != shape:
                raise RequestError(
                    f"selective_scan: {name} is {tuple(given.shape)}, expected {shape} as u is {tuple(self.u.shape)}"
                    f" and A {tuple(self.A.shape)}"
                )
