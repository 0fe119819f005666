"""The best generator so far is the first of the lowest map error, and stays as it was."""

from __future__ import annotations

import math

import torch
from torch import nn

from bridgetune.training.best import Best


def network(weight: float) -> nn.Module:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, weight)
    return layer


def test_the_lowest_counts_and_of_equals_the_first():
    best = Best()
    errors = [0.3, 0.2, 0.2, 0.25, math.nan, 0.1]
    assert [best.consider(step, error, network(step)) for step, error in enumerate(errors)] == [
        *(True, True, False, False, False, True)
    ]
    assert (best.step, best.map_error, best.stale) == (5, 0.1, 0)


def test_validations_without_a_better_one_are_counted():
    best = Best()
    for step, error in enumerate([0.2, 0.3, 0.2, math.nan]):
        best.consider(step, error, network(step))
    assert (best.step, best.stale) == (0, 3)


def test_its_weights_do_not_move_with_the_network():
    best, trained = Best(), network(1.0)
    best.consider(1, 0.5, trained)
    nn.init.constant_(trained.weight, 2.0)
    best.restore(trained)
    assert trained.weight.item() == 1.0


def test_where_nothing_was_validated_nothing_is_restored():
    trained = network(3.0)
    Best().restore(trained)
    assert trained.weight.item() == 3.0


def test_a_resumed_run_goes_on_from_it():
    best, resumed = Best(), Best()
    best.consider(4, 0.25, network(7.0))
    resumed.load_state_dict(best.state_dict())
    assert not resumed.consider(5, 0.25, network(8.0))
    assert (resumed.step, resumed.stale) == (4, 1)
    assert torch.equal(resumed.weights["weight"], torch.tensor([[7.0]]))
