"""The networks' turns in a step: each touches its own network's gradients and no other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridgetune.training.forward import PassT


@dataclass
class Phase(Generic[PassT]):
    """One network's turn in a step.

    Attributes:
        name: Of the network in the records.
        minimised: Which of `losses` it minimises.
        network, optimizer, schedule: As the engine prepared them.
        losses: Of a forward pass, the minimised one and its terms.
        reaches: Names of the phases whose networks' gradients are not shut off in this one's turn, since their
            graph is used again.
    """

    name: str
    minimised: str
    network: nn.Module
    optimizer: Optimizer
    schedule: LRScheduler
    losses: Callable[[PassT], dict[str, Tensor]]
    reaches: tuple[str, ...] = ()
    trainable: list[nn.Parameter] = field(init=False)

    def __post_init__(self) -> None:
        self.trainable = [parameter for parameter in self.network.parameters() if parameter.requires_grad]

    def update(self) -> None:
        """One step of the optimiser and its schedule; the gradients are gone afterwards."""
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()


@contextmanager
def only(phase: Phase[PassT], phases: Sequence[Phase[PassT]]) -> Iterator[None]:
    """Within, no parameter but `phase`'s own takes a gradient, and what it `reaches`."""
    shut = [other for other in phases if other is not phase and other.name not in phase.reaches]
    others = [parameter for other in shut for parameter in other.trainable]
    for parameter in others:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad_(True)
