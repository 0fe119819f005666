"""What a decision map tells of itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bridgetune.metrics import METRICS, ScoredDecision, SourcePair
from tests.support.triples import triple


def scored(decision: Tensor) -> ScoredDecision:
    first, second, fused = triple(1)
    return ScoredDecision(SourcePair(first, second).scored(fused), decision, 0.25)


def islands(decision: Tensor) -> list[float]:
    found: list[float] = METRICS["islands"].computed(scored(decision)).tolist()
    return found


def test_the_share_of_undecided_pixels_is_the_networks_own():
    assert METRICS["undecided"].computed(scored(torch.ones(1, 1, 20, 24))) == 0.25


def test_a_megapixel_in_two_parts_has_two_islands():
    decision = torch.zeros(1, 1, 1000, 1000)
    assert islands(decision) == [1]
    decision[..., :400] = 1
    assert islands(decision) == [2]
    decision[..., 500:510, 200:210] = 0
    assert islands(decision) == [3]


def test_every_image_is_counted_by_its_own_megapixels():
    decision = torch.zeros(2, 1, 100, 50)
    decision[1, :, :50] = 1
    assert islands(decision) == [200, 400]


def test_pixels_are_joined_by_their_sides_alone():
    rows, columns = torch.meshgrid(torch.arange(20), torch.arange(20), indexing="ij")
    checked = ((rows + columns) % 2)[None, None].double()
    assert islands(checked) == [1e6]


@given(st.integers(0, 2**31))
def test_neither_source_is_the_background_of_the_other(seed: int):
    decision = (torch.rand(1, 1, 12, 14, generator=torch.Generator().manual_seed(seed)) < 0.5).float()
    assert islands(decision) == pytest.approx(islands(1 - decision))
