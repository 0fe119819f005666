"""Multi-focus pairs and references made of photographs that come along."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridgetune.demo.photographs import DemoPairs, DemoPool, random_crop, random_outline
from bridgetune.wrapping.known_pair import texture

PHOTOGRAPHS = [texture(64, seed=seed)[0] for seed in range(3)]


def test_a_pair_is_a_function_of_its_index_and_the_random_state():
    pairs = DemoPairs(PHOTOGRAPHS, size=32, draws=10)
    assert len(pairs) == 10

    def drawn(index: int, seed: int) -> torch.Tensor:
        return pairs.sample(index, np.random.default_rng(seed)).first

    assert torch.equal(drawn(1, 0), drawn(1, 0))
    assert not torch.equal(drawn(1, 0), drawn(1, 1))
    assert not torch.equal(drawn(1, 0), drawn(2, 0))


@pytest.mark.parametrize("seed", range(5))
def test_a_pair_is_in_focus_on_either_side_of_its_outline(seed: int):
    pair = DemoPairs(PHOTOGRAPHS, size=48, draws=1).sample(0, np.random.default_rng(seed))
    assert pair.first.shape == pair.second.shape == (3, 48, 48)
    assert set(pair.mask.unique().tolist()) == {0, 1}
    assert not torch.equal(pair.first, pair.second)


def test_a_crop_as_high_as_its_photograph_is_a_part_of_it_turned():
    image = torch.arange(32 * 64.0).view(1, 32, 64).expand(3, -1, -1) / (32 * 64)
    parts = [torch.rot90(image[..., left : left + 32], turns, (1, 2)) for left in range(33) for turns in range(4)]
    crops = [random_crop(image, 32, np.random.default_rng(seed)) for seed in range(20)]
    found = [[torch.equal(crop, part) for part in parts].index(True) for crop in crops]
    assert len(set(found)) > 10
    assert {place % 4 for place in found} == {0, 1, 2, 3}, "turned every way"


@pytest.mark.parametrize(("height", "width"), [(20, 90), (33, 33), (200, 70)])
def test_a_crop_has_its_size_also_of_a_photograph_that_is_smaller(height: int, width: int):
    for seed in range(10):
        crop = random_crop(torch.rand(3, height, width), 32, np.random.default_rng(seed))
        assert crop.shape == (3, 32, 32)
        assert 0 <= crop.min() < crop.max() <= 1


def test_outlines_differ_and_have_both_sides():
    outlines = [random_outline(40, 40, np.random.default_rng(seed)) for seed in range(10)]
    assert all(0 < outline.mean() < 1 for outline in outlines)
    assert not torch.equal(outlines[0], outlines[1])


def test_a_pool_blurs_all_over_where_it_is_to():
    sharp, blurred = (
        torch.stack([DemoPool(PHOTOGRAPHS, 32, kernels).sample(np.random.default_rng(seed)) for seed in range(8)])
        for kernels in (None, (15, 31))
    )
    assert blurred.diff(dim=-1).abs().mean() < sharp.diff(dim=-1).abs().mean() / 2
