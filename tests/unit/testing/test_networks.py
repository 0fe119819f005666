"""What the conformance kit does to networks."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, wrap
from bridgetune.testing.networks import near, out_of_bounds, random_states, reach, seeded, stir
from bridgetune.testing.pairs import source_pairs


def test_seeded_numbers_are_the_same_and_leave_the_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with seeded(0):
        one = torch.rand(2)
    with seeded(0):
        assert torch.equal(torch.rand(2), one)
    assert torch.equal(torch.rand(2), expected)


def test_stirring_is_by_its_scale_and_seed():
    networks = [nn.Conv2d(6, 64, 5) for _ in range(3)]
    for network, (scale, seed) in zip(networks, ((0.1, 0), (0.1, 0), (0.1, 1)), strict=True):
        nn.init.zeros_(network.weight)
        stir(network, scale, seed)
    assert float(networks[0].weight.detach().std()) == pytest.approx(0.1, rel=0.05)
    assert torch.equal(networks[0].weight, networks[1].weight)
    assert not torch.equal(networks[0].weight, networks[2].weight)


class Branching(nn.Module):
    """One layer for each mode, one for none, one that is frozen, and one whose gradient is infinite."""

    def __init__(self) -> None:
        super().__init__()
        self.trained, self.evaluated, self.idle, self.frozen = (nn.Linear(1, 1, bias=False) for _ in range(4))
        self.steep = nn.Parameter(torch.zeros(1))
        self.frozen.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        own = self.trained if self.training else self.evaluated
        return self.frozen(own(x)) + self.steep.sqrt()


def test_a_parameter_is_reached_where_it_is_in_one_of_the_modes():
    network = Branching()
    found = reach(network, lambda: [network(torch.ones(1, 1))])
    assert found.missed == {"idle.weight"}
    assert found.not_finite == {"steep"}


def test_what_an_adapter_declares_bounds_its_map():
    def made(scale: float, **config: object):
        network = nn.Conv2d(6, 1, 1)
        nn.init.zeros_(network.weight)
        nn.init.constant_(network.bias, scale)
        return wrap(network, AdapterConfig(call="concat", **config))

    pair = source_pairs(1, 8, 8)
    assert out_of_bounds(made(0.5, output="probability"), *pair).numel() == 0
    assert out_of_bounds(made(1.5, output="probability"), *pair).tolist() == [1.5] * 64
    assert out_of_bounds(made(-0.5, output="tanh"), *pair).numel() == 0
    assert out_of_bounds(made(-0.5, output="probability", orientation="second"), *pair).tolist() == [-0.5] * 64
    assert out_of_bounds(made(1e9), *pair).numel() == 0


def test_near_is_by_the_largest_logit():
    map_ = torch.tensor([10.0, 0.1])
    assert near(map_ + 0.09, map_, 0.01)
    assert not near(map_ + 0.11, map_, 0.01)


@pytest.mark.parametrize(
    ("name", "draw"),
    [("torch", lambda: torch.rand(1)), ("numpy.random", lambda: np.random.rand()), ("random", random.random)],  # noqa: NPY002
)
def test_whatever_is_drawn_from_has_another_state(name: str, draw):
    before = random_states()
    draw()
    after = random_states()
    assert [key for key in before if before[key] != after[key]] == [name]
