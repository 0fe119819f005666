"""How often a network is asked about a pair: by the quality that is wanted and the size of the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

from torch import nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.protocol import Evaluator
from bridgetune.wrapping import Adapter

Quality = Literal["auto", "fast", "good", "best", "saved"]
"""`fast`, once; `good`, in both orders; `best`, of mirror images, enlarged twice, and at a half and a quarter of the
size, too; `auto` goes by the size of the pictures, see `Queries`; `saved`, as the generator is configured, whatever
their size."""

AS_SAVED = 6_000_000
"""Pixels up to which `auto` leaves the generator as it is."""

_WAYS: dict[str, tuple[bool, bool, tuple[float, ...]]] = {
    "fast": (False, False, (1.0,)),
    "good": (True, False, (1.0,)),
    "best": (True, True, (2.0, 1.0, 0.5, 0.25)),
}


@dataclass(frozen=True)
class Queries:
    """How often a network is asked about a pair.

    Attributes:
        quality: See `Quality`. With `auto`, pictures of up to 6 megapixels are fused as the generator is configured,
            larger ones likewise, but neither of mirror images nor at other sizes.
        symmetric, mirrored, scales: See `AdapterConfig`. None: as the quality has it.
    """

    quality: Quality = "auto"
    symmetric: bool | None = None
    mirrored: bool | None = None
    scales: Sequence[float] | None = None

    @overload
    def of(self, generator: Evaluator, size: tuple[int, int]) -> Evaluator: ...

    @overload
    def of(self, generator: nn.Module, size: tuple[int, int]) -> nn.Module: ...

    def of(self, generator: nn.Module | Evaluator, size: tuple[int, int]) -> nn.Module | Evaluator:
        """The generator, asked so about pictures of (height, width): itself, where it is already.

        A generator that was not made by `wrap`, `create` or `load` says itself how often it asks; so does an evaluator.

        Args:
            generator: In eval mode.
            size: (height, width).

        Raises:
            RequestError: An evaluator is to be asked in a certain quality, or the scales are none.
        """
        if isinstance(generator, Evaluator) and self.quality in _WAYS:
            raise RequestError(f"quality: {generator.name} is an evaluator, which has no such choice; leave it out")
        if not isinstance(generator, Adapter):
            return generator
        config = self._config(generator.config, size[0] * size[1])
        return generator if config == generator.config else generator.reconfigured(config)

    def _config(self, config: AdapterConfig, pixels: int) -> AdapterConfig:
        if self.quality in _WAYS:
            config = config.asked(*_WAYS[self.quality])
        elif self.quality == "auto" and pixels > AS_SAVED:
            config = config.asked(None, False, (1.0,))
        return config.asked(self.symmetric, self.mirrored, self.scales)


SAVED = Queries("saved")
"""As the generator is configured."""
