"""Where training meets the machine: device, precision, processes and their checkpoints, all through accelerate."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterable
from pathlib import Path

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler
from torch.utils.data import DataLoader

from bridgetune.config import TrainConfig
from bridgetune.errors import RequestError
from bridgetune.training.samples import Sample, ShuffledBatches, TrainingSamples


class Engine:
    """One training run's hold on the machine."""

    def __init__(self, config: TrainConfig) -> None:
        _forget_earlier_runs()
        self.config = config
        self._accelerator = Accelerator(
            cpu=config.device == "cpu",
            mixed_precision=config.precision,
            dataloader_config=DataLoaderConfiguration(split_batches=True),
        )
        processes = self._accelerator.num_processes
        if config.batch % processes:
            raise RequestError(f"batch: got {config.batch} for {processes} processes, expected a multiple of them")
        set_seed(config.seed)

    @property
    def device(self) -> torch.device:
        device: torch.device = self._accelerator.device
        return device

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
        )
        schedule = CosineAnnealingLR(optimizer, T_max=steps)
        prepared: tuple[nn.Module, Optimizer, LRScheduler] = self._accelerator.prepare(network, optimizer, schedule)
        return prepared

    def batches(self, samples: TrainingSamples, start: int, stop: int) -> Iterable[Sample]:
        """The batches of the steps start+1 … stop, on the device, this process's share of each."""
        order = ShuffledBatches(len(samples), self.config.batch, self.config.seed, start, stop)
        loader: DataLoader[Sample] = DataLoader(
            samples,
            batch_sampler=order,
            num_workers=self.config.workers,
            persistent_workers=self.config.workers > 0,
            worker_init_fn=_leave_signals_to_the_main_process,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator().manual_seed(self.config.seed),
        )
        prepared: Iterable[Sample] = self._accelerator.prepare(loader)
        return prepared

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

    def gradient_norm(self, network: nn.Module) -> float:
        """The 2-norm of all gradients; 0 where fp16's loss scale is being sought and the step will be skipped."""
        norm = float(self._accelerator.clip_grad_norm_(network.parameters(), math.inf))
        return 0.0 if self.config.precision == "fp16" and not math.isfinite(norm) else norm

    def save(self, folder: Path) -> None:
        """Write networks, optimisers, schedules and random state into `folder`. All processes call it."""
        self._accelerator.save_state(str(folder))

    def load(self, folder: Path) -> None:
        """Read back what `save` wrote."""
        self._accelerator.load_state(str(folder))

    def wait(self) -> None:
        """Until every process is here."""
        self._accelerator.wait_for_everyone()


def _forget_earlier_runs() -> None:
    """accelerate keeps its first precision and device for the process; a later run may want others."""
    alone = PartialState._shared_state.get("num_processes", 1) == 1
    AcceleratorState._reset_state(reset_partial_state=alone)


def _leave_signals_to_the_main_process(worker: int) -> None:
    """Ctrl-C, and SIGTERM from a job queue, reach every process; a worker must live until the checkpoint is written."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
