"""The training loop, for both stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

import torch
from torch import Tensor

from bridgetune.config import TrainConfig
from bridgetune.errors import WorkError
from bridgetune.metrics import MapErrors
from bridgetune.runs.directory import Record, RunDirectory
from bridgetune.runs.telling import ToldRecord
from bridgetune.training.best import Best
from bridgetune.training.deferred import DeferredRecord
from bridgetune.training.engine import Engine
from bridgetune.training.forward import PassT
from bridgetune.training.interrupts import interrupts_as_wishes
from bridgetune.training.phases import Phase, only
from bridgetune.training.samples import Sample
from bridgetune.training.trained import TrainedGenerator


class Stopped(WorkError):
    """The run was asked to stop, and did so after writing a checkpoint."""


@dataclass(frozen=True)
class Due:
    """What a step is followed by, whatever came of it.

    Attributes:
        last: No further one.
        validation, checkpoint: As often as the settings say, and after the last one.
    """

    last: bool
    validation: bool
    checkpoint: bool

    @classmethod
    def after(cls, step: int, steps: int, config: TrainConfig) -> Due:
        """After one of so many steps."""
        last = step == steps
        return cls(last, last or step % config.validate_every == 0, last or step % config.checkpoint_every == 0)


@dataclass
class Loop(Generic[PassT]):
    """What a stage hands to the loop.

    Attributes:
        forward: From a batch to what the phases work on.
        phases: In the order in which they are updated.
        trained: The generator that is trained, and its average.
        engine, config: See there.
        steps: The step after which the run ends.
        run: Where the run is written; None writes nothing.
        validate: Map errors on the held-out pairs, or None where there are none.
        report: Told every record as it is written.
        measure: What else the record of a validation after some step tells.
        watch: Told the step and what was worked on, after every validation.
        best: The best generator so far.
        errors: Of the latest validation.
        measured: By `measure`, then.
        step: The last one that was done.
    """

    forward: Callable[[Sample], PassT]
    phases: Sequence[Phase[PassT]]
    trained: TrainedGenerator
    engine: Engine
    config: TrainConfig
    steps: int
    run: RunDirectory | None
    validate: Callable[[], MapErrors | None]
    report: Callable[[Record], None]
    measure: Callable[[int], Record] = lambda step: {}
    watch: Callable[[int, PassT], None] = lambda step, forward: None
    best: Best = field(default_factory=Best)
    errors: MapErrors | None = None
    measured: Record = field(default_factory=dict)
    step: int = 0

    def train(self, batches: Iterable[Sample], start: int) -> None:
        """Run the steps start+1 … steps, or fewer where the map error no longer falls.

        Raises:
            WorkError: A loss or gradient is no longer finite; the last checkpoint is from before.
            Stopped: After Ctrl-C, SIGTERM or SIGHUP.
        """
        self.step = start
        if start == 0:
            self._validate(0)
        if self._enough():
            return
        deferred = DeferredRecord(self.engine.mean)
        with interrupts_as_wishes() as wish:
            began = time.perf_counter()
            for step, batch in enumerate(batches, start + 1):
                known: Record = {
                    "step": step,
                    "steps": self.steps,
                    "learning_rate": self.phases[0].schedule.get_last_lr()[0],
                }
                forward = self.forward(batch)
                values = {"map_mean": torch.sigmoid(forward.logits.detach()).mean()}
                for phase in self.phases:
                    with only(phase, self.phases):
                        losses = phase.losses(forward)
                        self.engine.backward(losses[phase.minimised])
                    values |= losses
                    values[f"gradient_{phase.name}"] = self._update(phase, losses)
                self.trained.follow()
                self.step = step
                known["seconds"] = time.perf_counter() - began

                due = Due.after(step, self.steps, self.config)
                stopping = self._hand_in(deferred, known, values, wish.uttered, due)
                self._follow_up(forward, due, stopping)
                if self._enough():
                    return
                if stopping and not due.last:
                    raise Stopped(f"stopped after step {step} of {self.steps}; {self._kept()}")
                began = time.perf_counter()

    def _hand_in(
        self, deferred: DeferredRecord, known: Record, values: dict[str, Tensor], asked: bool, due: Due
    ) -> bool:
        """Tell the records that are there, and wait for this step's own only where something must not come before it.

        Returns:
            Whether any process has been asked to stop.
        """
        stopping = self._tell(*deferred.settle())
        deferred.note(known, values, asked)
        asked_alone = asked and self.engine.processes == 1  # with others, they must have heard of it, too
        if due.validation or due.checkpoint or stopping or asked_alone:
            stopping |= self._tell(*deferred.settle())
        return stopping

    def _follow_up(self, forward: PassT, due: Due, stopping: bool) -> None:
        """Validate, then keep a checkpoint, where either is due; and before the run ends."""
        if due.validation:
            self._validate(self.step)
            self.watch(self.step, forward)
        if due.checkpoint or stopping or self._enough():
            self._checkpoint(self.step)

    def _enough(self) -> bool:
        return 0 < self.config.patience <= self.best.stale

    def _update(self, phase: Phase[PassT], losses: dict[str, Tensor]) -> Tensor:
        """Update the phase's network, unless its loss or gradient is not finite; the norm of the gradient."""
        norm = self.engine.gradient_norm(phase.network)
        self.engine.skip_unless(torch.isfinite(norm) & torch.isfinite(losses[phase.minimised]), phase.optimizer)
        phase.update()
        return norm

    def _validate(self, step: int) -> None:
        self.errors = self.validate()
        if self.errors is None:
            return
        self.measured = self.measure(step)
        record: Record = {
            "step": step,
            "map_error": self.errors.map_error,
            "homogeneous_error": self.errors.homogeneous_error,
            "homogeneous_share": self.errors.homogeneous_share,
            **self.measured,
        }
        better = self.best.consider(step, self.errors.map_error, self.trained.network)
        self._tell(record)
        if better and self.run is not None and self.engine.is_main:
            self.run.check_there()
            self.trained.save(self.run.best, self.errors, step)

    def _checkpoint(self, step: int) -> None:
        if self.run is not None:
            self.run.checkpoints.save(
                step,
                self.engine.save,
                self.config.checkpoints_kept,
                is_main=self.engine.is_main,
                wait=self.engine.wait,
            )

    def _kept(self) -> str:
        if self.run is None:
            return "nothing was kept: the run has no folder"
        folder: Path = self.run.checkpoints.steps()[-1]
        return f"kept in {folder}; the same again with --resume (resume=True) goes on from there"

    def _tell(self, record: Record | None, stopping: bool = False) -> bool:
        if record is not None and self.engine.is_main:
            if self.run is not None:
                self.run.record(record)
            self.report(ToldRecord(record))
        return stopping
