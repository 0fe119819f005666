"""Where training meets the machine: device, precision, processes and what they save, all through accelerate."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator, DataLoaderConfiguration, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from bridgetune.config import TrainConfig
from bridgetune.errors import RequestError
from bridgetune.training.samples import Sample, TrainingSamples, batches

_STATE = "state.pt"


class Stateful(Protocol):
    """Whatever a checkpoint keeps besides networks, optimisers, schedules and random numbers."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Engine:
    """One training run's hold on the machine.

    Args:
        config: See there.
        unused: Whether some trainable parameters have no part in the loss: those of coarser maps in stage 2,
            or of an image head.

    Attributes:
        kept: Name -> what checkpoints keep besides, added to before the first one.
    """

    def __init__(self, config: TrainConfig, unused: bool = False) -> None:
        _forget_earlier_runs()
        self.config = config
        self.kept: dict[str, Stateful] = {}
        self._accelerator = Accelerator(
            cpu=config.device == "cpu",
            mixed_precision=config.precision,
            dataloader_config=DataLoaderConfiguration(split_batches=True),
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=unused)],
        )
        if config.batch % self.processes:
            raise RequestError(f"batch: got {config.batch} for {self.processes} processes, expected a multiple of them")
        set_seed(config.seed)

    @property
    def device(self) -> torch.device:
        device: torch.device = self._accelerator.device
        return device

    @property
    def processes(self) -> int:
        """How many work together, on this machine and others."""
        return int(self._accelerator.num_processes)

    @property
    def rank(self) -> int:
        """This process's number among them."""
        return int(self._accelerator.process_index)

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self._accelerator.is_main_process)

    def prepare(self, network: nn.Module, steps: int) -> tuple[nn.Module, Optimizer, LRScheduler]:
        """The network on its device, its AdamW, and the cosine schedule that ends at 0 after `steps`."""
        optimizer = AdamW(
            [parameter for parameter in network.parameters() if parameter.requires_grad],
            lr=self.config.learning_rate,
            betas=self.config.betas,
            weight_decay=self.config.weight_decay,
            fused=True,
        )
        schedule = CosineAnnealingLR(optimizer, T_max=steps)
        if self.config.compile:
            network.compile(dynamic=False)  # crops are of one size; left open, not every network can be translated
        prepared: tuple[nn.Module, Optimizer, LRScheduler] = self._accelerator.prepare(network, optimizer, schedule)
        return prepared

    def batches(self, samples: TrainingSamples, start: int, stop: int) -> Generator[Sample]:
        """The batches of the steps start+1 … stop, on the device, this process's share of each."""
        keys = samples.keys(self.config.batch, start, stop, (self.rank, self.processes))
        return batches(samples, keys, workers=self.config.workers, device=self.device)

    def unwrap(self, network: nn.Module) -> nn.Module:
        """The network beneath what `prepare` put around it."""
        unwrapped: nn.Module = self._accelerator.unwrap_model(network, keep_fp32_wrapper=False)
        vars(unwrapped).pop("forward", None)  # accelerate puts the class's own back on the object
        return unwrapped

    def bare(self, network: nn.Module) -> nn.Module:
        """The network as it computes here, without the exchange of gradients between processes."""
        bare: nn.Module = self._accelerator.unwrap_model(network)
        return bare

    def backward(self, loss: Tensor) -> None:
        """Accumulate the gradients of `loss`."""
        self._accelerator.backward(loss)

    def loss_scale(self) -> Tensor | float:
        """What `backward` multiplies a loss by, so that its gradients do not vanish in fp16; else 1."""
        scaler = self._accelerator.scaler
        return 1.0 if scaler is None else scaler.scale(torch.ones((), device=self.device))

    def gradient_norm(self, network: nn.Module) -> Tensor:
        """The 2-norm of all gradients; 0 where fp16's loss scale is being sought and the step will be skipped."""
        norm: Tensor = self._accelerator.clip_grad_norm_(network.parameters(), math.inf)
        return torch.where(torch.isfinite(norm), norm, 0.0) if self.config.precision == "fp16" else norm

    def skip_unless(self, finite: Tensor, optimizer: Optimizer) -> None:
        """Have the optimiser's next step change nothing, unless `finite`, a bool that may still be being computed."""
        if self._accelerator.scaler is None:
            vars(getattr(optimizer, "optimizer", optimizer))["found_inf"] = (~finite).float()

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.processes == 1:
            return tensor
        mean: Tensor = self._accelerator.reduce(tensor, reduction="mean")
        return mean

    def total(self, numbers: list[int]) -> list[int]:
        """The sums over all processes."""
        if self.processes == 1:
            return numbers
        sums = self._accelerator.reduce(torch.tensor(numbers, device=self.device), reduction="sum")
        return [int(number) for number in sums.tolist()]

    def save(self, folder: Path) -> None:
        """Write networks, optimisers, schedules, random state and what else is `kept`. All processes call it."""
        with _no_word_of_shared_tensors():
            self._accelerator.save_state(str(folder))
        if self.is_main:
            torch.save({name: kept.state_dict() for name, kept in self.kept.items()}, folder / _STATE)

    def load(self, folder: Path) -> None:
        """Read back what `save` wrote."""
        state = torch.load(folder / _STATE, map_location="cpu", weights_only=True)
        self._accelerator.load_state(str(folder))
        for name, kept in self.kept.items():
            kept.load_state_dict(state[name])

    def wait(self) -> None:
        """Until every process is here."""
        self._accelerator.wait_for_everyone()


@contextmanager
def _no_word_of_shared_tensors() -> Iterator[None]:
    """accelerate warns of every tensor that has two names; it is written once, and read back under both."""

    def another(record: logging.LogRecord) -> bool:
        return "Removed shared tensor" not in record.getMessage()

    speaker = logging.getLogger("accelerate.utils.other")
    speaker.addFilter(another)
    try:
        yield
    finally:
        speaker.removeFilter(another)


def _forget_earlier_runs() -> None:
    """accelerate keeps its first precision and device for the process; a later run may want others."""
    alone = PartialState._shared_state.get("num_processes", 1) == 1
    AcceleratorState._reset_state(reset_partial_state=alone)
