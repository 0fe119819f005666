"""What a run makes: the generator with its last weights, with their average, or with the best ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bridgetune.destinations import begun
from bridgetune.metrics import MapErrors
from bridgetune.wrapping import Adapter


class TrainedGenerator:
    """A generator in training and, where `average` is not 0, the moving average of its weights.

    Args:
        generator: The one that is trained.
        average: Decay of the average; 0 for none.
        facts: What a model card tells, of the errors on held-out pairs and the step.

    Attributes:
        average: The averaged copy; None where there is none.
    """

    def __init__(
        self, generator: Adapter, average: float, facts: Callable[[MapErrors | None, int], dict[str, Any]]
    ) -> None:
        self._generator = generator
        self._facts = facts
        self.average: AveragedModel | None = None
        if average:
            towards: Callable[..., None] = get_ema_multi_avg_fn(average)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(generator, multi_avg_fn=towards, use_buffers=True)

    @property
    def network(self) -> nn.Module:
        """What is validated and saved."""
        return self._generator if self.average is None else self.average.module

    def follow(self) -> None:
        """Take in the weights of a step."""
        if self.average is not None:
            self.average.update_parameters(self._generator)

    def settle(self) -> None:
        """Give the generator the average's weights, where there is one."""
        if self.average is not None:
            self._generator.load_state_dict(self.average.module.state_dict())

    def save(self, folder: Path, errors: MapErrors | None, step: int) -> None:
        """Write what `network` is into a folder, see `Adapter.save_pretrained`."""
        network = self.network
        assert isinstance(network, Adapter)
        with begun():
            network.save_pretrained(folder, facts=self._facts(errors, step))
