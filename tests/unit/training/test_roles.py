"""The networks as training calls them: in parts or at once, in one pass or several, they say the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, wrap
from bridgetune.training.roles import Answering, Judging
from tests.support.steps import TwoScales, networks


def noise(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def calls_of(module: nn.Module) -> list[int]:
    """How many images each call of a module was given, from now on."""
    seen: list[int] = []
    module.register_forward_hook(lambda module, given, answer: seen.append(len(given[0])))
    return seen


@pytest.mark.parametrize(("micro_batch", "calls"), [(0, [5]), (2, [2, 2, 1])])
def test_a_generator_answers_a_micro_batch_at_a_time(micro_batch: int, calls: list[int]):
    generator = networks()["generator"]
    first, second = noise(5), noise(5, seed=1)
    expected = generator(first, second)
    seen = calls_of(generator.unwrap())
    with torch.no_grad():
        (logits,) = Answering(generator, auxiliary=False, micro_batch=micro_batch)(first, second)
    assert seen == calls
    torch.testing.assert_close(logits, expected)


def test_coarser_maps_are_given_where_they_are_asked_for():
    generator = wrap(TwoScales(), AdapterConfig(call="concat", item=0, auxiliary=(1,), multiple=4))
    sizes = [
        [tuple(map_.shape[2:]) for map_ in Answering(generator, auxiliary)(noise(1), noise(1))]
        for auxiliary in (False, True)
    ]
    assert sizes == [[(32, 32)], [(32, 32), (16, 16)]]


def test_padding_is_cut_off_auxiliary_maps_too():
    generator = wrap(TwoScales(), AdapterConfig(call="concat", item=0, auxiliary=(1,), multiple=8))
    maps = generator.maps(*(torch.rand(1, 3, 22, 30) for _ in range(2)))
    assert [tuple(map_.shape[2:]) for map_ in maps] == [(22, 30), (11, 15)]


@pytest.mark.parametrize(("layers", "calls"), [([], [5]), ([nn.BatchNorm2d(1)], [2, 3])])
def test_batches_are_judged_in_one_pass_unless_their_statistics_would_mix(layers: list[nn.Module], calls: list[int]):
    network = nn.Sequential(nn.Conv2d(3, 1, 3), *layers)
    seen = calls_of(network)
    scores = Judging(network)(noise(2), noise(3, seed=1))
    assert seen == calls
    for found, images in zip(scores, (noise(2), noise(3, seed=1)), strict=True):
        torch.testing.assert_close(found, network(images))


def test_checkpoints_know_the_networks_by_these_names():
    made = networks()
    assert {name.split(".")[0] for name in Answering(made["generator"], False).state_dict()} == {"generator"}
    assert {name.split(".")[0] for name in made["clear"].state_dict()} == {"discriminator"}
