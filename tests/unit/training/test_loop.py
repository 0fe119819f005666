"""What the loop does at the end of a step, and in which order; the steps themselves train a filter of one weight."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bridgetune import PretrainConfig, Steps, WorkError
from bridgetune.metrics import MapErrors
from bridgetune.runs.directory import Record, RunDirectory
from bridgetune.training.forward import ForwardPass
from bridgetune.training.loop import Due, Loop, Stopped
from bridgetune.training.phases import Phase


class Machine:
    """An `Engine` that computes where it stands and writes nothing but its name."""

    is_main = True

    def __init__(self, events: list[str], processes: int) -> None:
        self.events, self.processes = events, processes

    def mean(self, tensor: Tensor) -> Tensor:
        return tensor

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def gradient_norm(self, network: nn.Module) -> Tensor:
        return torch.ones(())

    def skip_unless(self, finite: Tensor, optimizer: torch.optim.Optimizer) -> None:
        pass

    def save(self, folder: Path) -> None:
        (folder / "state").write_text("")
        self.events.append("checkpoint")

    def wait(self) -> None:
        pass


class Product:
    """A `TrainedGenerator` that is saved nowhere."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def follow(self) -> None:
        pass

    def save(self, folder: Path, errors: MapErrors | None, step: int) -> None:
        pass


Made = Callable[..., tuple[Loop[ForwardPass], list[str]]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A loop, and the list of what it has done."""

    def make(
        steps: int,
        *,
        processes: int = 1,
        written: bool = True,
        errors: Callable[[], MapErrors | None] = lambda: MapErrors(1, 4),
        **config: Any,
    ) -> tuple[Loop[ForwardPass], list[str]]:
        events: list[str] = []
        network = nn.Conv2d(1, 1, 1)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.ConstantLR(optimizer)

        def minimised(forward: ForwardPass) -> dict[str, Tensor]:
            return {"supervised": (forward.logits * forward.batch["scale"]).mean()}

        def validate() -> MapErrors | None:
            events.append("validation")
            return errors()

        def report(record: Record) -> None:
            events.append(f"{'errors' if 'map_error' in record else 'record'} {record['step']}")

        run = None
        if written:
            run = RunDirectory(tmp_path)
        loop = Loop(
            forward=lambda batch: ForwardPass(batch, [network(batch["first"])]),
            phases=[Phase("generator", "supervised", network, optimizer, schedule, minimised)],
            trained=Product(network),  # type: ignore[arg-type]
            engine=Machine(events, processes),  # type: ignore[arg-type]
            config=PretrainConfig(duration=Steps(steps=steps), **config),
            steps=steps,
            run=run,
            validate=validate,
            report=report,
            watch=lambda step, forward: events.append(f"seen {step}"),
        )
        return loop, events

    return make


def batches(steps: int, asked_in: int = 0, unsound_in: int = 0) -> Iterator[dict[str, Tensor]]:
    """So many batches; the process is asked to stop, or a loss is not finite, in one of the steps."""
    for step in range(1, steps + 1):
        if step == asked_in:
            os.kill(os.getpid(), signal.SIGINT)
        yield {"first": torch.ones(1, 1, 2, 2), "scale": torch.tensor(math.nan if step == unsound_in else 1.0)}


def test_each_record_is_told_before_its_step_is_validated_and_kept(made: Made):
    loop, events = made(5, validate_every=2, checkpoint_every=3)
    loop.train(batches(5), 0)
    assert events == [
        *("validation", "errors 0"),
        *("record 1", "record 2", "validation", "errors 2", "seen 2"),
        *("record 3", "checkpoint"),
        *("record 4", "validation", "errors 4", "seen 4"),
        *("record 5", "validation", "errors 5", "seen 5", "checkpoint"),
    ]
    assert loop.step == 5


def test_a_resumed_run_is_not_validated_anew_at_its_start(made: Made):
    loop, events = made(5, validate_every=100, checkpoint_every=100)
    loop.train(batches(1), 4)
    assert events == ["record 5", "validation", "errors 5", "seen 5", "checkpoint"]


@pytest.mark.parametrize(("processes", "after"), [(1, 2), (2, 3)])
def test_asked_to_stop_it_keeps_a_checkpoint_and_says_where(made: Made, processes: int, after: int):
    """Of several processes all must have heard of it, which takes them a step more."""
    loop, events = made(9, processes=processes, validate_every=100, checkpoint_every=100)
    with pytest.raises(
        Stopped, match=rf"stopped after step {after} of 9; kept in .*step-0000000{after}; the same again"
    ):
        loop.train(batches(9, asked_in=2), 0)
    assert events == ["validation", "errors 0", *(f"record {step}" for step in range(1, after + 1)), "checkpoint"]


def test_asked_to_stop_in_the_last_step_it_ends_as_it_was_to(made: Made):
    loop, events = made(2, validate_every=100, checkpoint_every=100)
    loop.train(batches(2, asked_in=2), 0)
    assert events[-4:] == ["validation", "errors 2", "seen 2", "checkpoint"]


def test_a_run_without_a_folder_says_that_nothing_was_kept(made: Made):
    loop, events = made(9, written=False)
    with pytest.raises(Stopped, match="stopped after step 1 of 9; nothing was kept: the run has no folder"):
        loop.train(batches(9, asked_in=1), 0)
    assert "checkpoint" not in events


def test_where_nothing_gets_better_it_ends_with_a_checkpoint(made: Made):
    loop, events = made(9, validate_every=1, checkpoint_every=100, patience=2)
    loop.train(batches(9), 0)
    assert loop.step == 2
    assert events[-5:] == ["record 2", "validation", "errors 2", "seen 2", "checkpoint"]
    loop.train(batches(7), 2)
    assert loop.step == 2, "resumed, it is content at once"


def test_without_held_out_pairs_there_is_no_end_but_the_last_step(made: Made):
    loop, events = made(4, validate_every=1, checkpoint_every=100, patience=1, errors=lambda: None)
    loop.train(batches(4), 0)
    assert loop.step == 4
    assert "errors 0" not in events


def test_a_loss_that_is_not_finite_ends_the_run_before_it_is_kept(made: Made):
    loop, events = made(9, validate_every=100, checkpoint_every=2)
    with pytest.raises(WorkError, match="step 2: the loss 'supervised' is nan"):
        loop.train(batches(9, unsound_in=2), 0)
    assert events == ["validation", "errors 0", "record 1"]


@pytest.mark.parametrize(
    ("step", "due"),
    [
        (1, Due(last=False, validation=False, checkpoint=False)),
        (4, Due(last=False, validation=True, checkpoint=False)),
        (6, Due(last=False, validation=False, checkpoint=True)),
        (12, Due(last=False, validation=True, checkpoint=True)),
        (13, Due(last=True, validation=True, checkpoint=True)),
    ],
)
def test_what_is_due_after_a_step(step: int, due: Due):
    assert Due.after(step, 13, PretrainConfig(validate_every=4, checkpoint_every=3)) == due
