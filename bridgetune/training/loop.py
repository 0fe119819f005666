"""The training loop, for both stages."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import torch

from bridgetune.config import TrainConfig
from bridgetune.errors import WorkError
from bridgetune.metrics import MapErrors
from bridgetune.training.engine import Engine
from bridgetune.training.interrupts import interrupts_as_wishes
from bridgetune.training.phases import Losses, Phase, SceneT, only
from bridgetune.training.run_directory import Record, RunDirectory
from bridgetune.training.samples import Sample


class Stopped(WorkError):
    """The run was asked to stop, and did so after writing a checkpoint."""


@dataclass
class Loop(Generic[SceneT]):
    """What a stage hands to the loop.

    Attributes:
        scene: From a batch to what the phases work on.
        phases: In the order in which they are updated.
        engine, config: See there.
        steps: The step after which the run ends.
        run: Where the run is written; None writes nothing.
        validate: Map errors on the held-out pairs, or None where there are none.
        report: Told every record as it is written.
        errors: Of the latest validation.
    """

    scene: Callable[[Sample], SceneT]
    phases: Sequence[Phase[SceneT]]
    engine: Engine
    config: TrainConfig
    steps: int
    run: RunDirectory | None
    validate: Callable[[], MapErrors | None]
    report: Callable[[Record], None]
    errors: MapErrors | None = None

    def train(self, batches: Iterable[Sample], start: int) -> None:
        """Run the steps start+1 … steps.

        Raises:
            WorkError: A loss or gradient is no longer finite; the last checkpoint is from before.
            Stopped: After Ctrl-C or SIGTERM.
        """
        if start == 0:
            self._validate(step=0)
        with interrupts_as_wishes() as wish:
            for step, batch in enumerate(batches, start + 1):
                began = time.perf_counter()
                scene = self.scene(batch)
                record: Record = {
                    "step": step,
                    "steps": self.steps,
                    "learning_rate": self.phases[0].schedule.get_last_lr()[0],
                }
                for phase in self.phases:
                    with only(phase, self.phases):
                        losses = phase.losses(scene)
                        record |= _finite(losses, step)
                        self.engine.backward(losses[phase.minimised])
                    record[f"gradient_{phase.name}"] = self._gradient_norm(phase, step)
                    phase.update()
                record["seconds"] = time.perf_counter() - began
                self._tell(record)
                if step % self.config.validate_every == 0 or step == self.steps:
                    self._validate(step)
                stopping = wish.uttered
                if step % self.config.checkpoint_every == 0 or step == self.steps or stopping:
                    checkpoint = self._checkpoint(step)
                if stopping and step < self.steps:
                    kept = (
                        f"kept in {checkpoint}; the same again with resume goes on from there"
                        if checkpoint
                        else "nothing was kept: the run has no folder"
                    )
                    raise Stopped(f"stopped after step {step} of {self.steps}; {kept}")

    def _gradient_norm(self, phase: Phase[SceneT], step: int) -> float:
        norm = self.engine.gradient_norm(phase.network)
        if not math.isfinite(norm):
            raise WorkError(
                f"step {step}: the gradient of {phase.name!r} is {norm}; nothing was updated by it;"
                " try a lower learning rate, or resume from the last checkpoint with precision='no'"
            )
        return norm

    def _validate(self, step: int) -> None:
        errors = self.validate() if self.engine.is_main else None
        if errors is not None:
            self.errors = errors
            self._tell(
                {
                    "step": step,
                    "map_error": errors.map_error,
                    "homogeneous_error": errors.homogeneous_error,
                    "homogeneous_share": errors.homogeneous_share,
                }
            )
        self.engine.wait()

    def _checkpoint(self, step: int) -> Path | None:
        if self.run is None:
            return None
        kept = self.run.save_checkpoint(step, self.engine.save, self.engine.is_main, keep=self.config.checkpoints_kept)
        self.engine.wait()
        return kept

    def _tell(self, record: Record) -> None:
        if self.engine.is_main:
            if self.run is not None:
                self.run.record(record)
            self.report(record)


def _finite(losses: Losses, step: int) -> dict[str, float]:
    """The losses as numbers, or an error that names the first which is none."""
    values = dict(zip(losses, torch.stack([loss.detach().float() for loss in losses.values()]).tolist(), strict=True))
    for name, value in values.items():
        if not math.isfinite(value):
            raise WorkError(
                f"step {step}: the loss {name!r} is {value}; nothing was updated by it;"
                " try a lower learning rate, and look for NaN in the training images"
            )
    return values
