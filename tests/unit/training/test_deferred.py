"""Numbers that are read a step late: each once, in its step's record, and an unsound one is named."""

from __future__ import annotations

import math

import pytest
import torch

from bridgetune.errors import WorkError
from bridgetune.training.deferred import DeferredRecord


def alone(values: torch.Tensor) -> torch.Tensor:
    return values


def test_a_record_holds_what_was_known_and_what_was_computed():
    deferred = DeferredRecord(alone)
    deferred.note({"step": 3}, {"loss": torch.tensor(0.5), "focal": torch.tensor(0.25)}, wish=False)
    assert deferred.settle() == ({"step": 3, "loss": 0.5, "focal": 0.25}, False)


def test_nothing_is_told_twice_or_before_it_was_noted():
    deferred = DeferredRecord(alone)
    assert deferred.settle() == (None, False)
    deferred.note({"step": 1}, {"loss": torch.tensor(1.0)}, wish=True)
    assert deferred.settle()[1]
    assert deferred.settle() == (None, False)


def test_one_process_of_several_that_is_asked_to_stop_is_heard_by_all():
    # as the mean over two processes, of which the other was asked
    deferred = DeferredRecord(lambda values: (values + torch.tensor([1.0, 1.0])) / 2)
    deferred.note({"step": 1}, {"loss": torch.tensor(0.0)}, wish=False)
    assert deferred.settle() == ({"step": 1, "loss": 0.5}, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("focal", math.nan, "step 7: the loss 'focal' is nan; nothing was updated by it"),
        ("gradient_generator", math.inf, "step 7: the gradient of 'generator' is inf; nothing was updated by it"),
        ("map_mean", math.nan, "step 7: the generator's map is not finite"),
    ],
)
def test_what_is_not_finite_is_named_with_its_step(name: str, value: float, said: str):
    deferred = DeferredRecord(alone)
    deferred.note({"step": 7}, {"loss": torch.tensor(1.0), name: torch.tensor(value)}, wish=False)
    with pytest.raises(WorkError, match=said):
        deferred.settle()
