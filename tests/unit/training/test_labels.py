"""Labels that nobody gave: the network's own decisions, and where a region's vote overrules them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bridgetune.config.training import LABELLINGS, Labelling
from bridgetune.regions import WINDOW
from bridgetune.training.labels import BOUND, STRENGTH, Labels, overruled
from bridgetune.training.pair_judge import fresh_judge

STRONGEST = BOUND * STRENGTH


def halves(side: int = 96) -> Tensor:
    """Logits of 2 left of the middle and of -2 right of it."""
    logits = torch.full((1, 1, side, side), 2.0)
    logits[..., side // 2 :] = -2
    return logits


def random_pair(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    first, second = torch.rand(2, 1, 3, 48, 48, generator=random)
    return first, second, 3 * torch.randn(1, 1, 48, 48, generator=random)


@given(st.sampled_from(LABELLINGS), st.integers(0, 2**32 - 1))
def test_the_pair_in_the_other_order_has_the_opposite_labels(labelling: Labelling, seed: int):
    labels = Labels(labelling, fresh_judge(0) if labelling == "votes" else None)
    first, second, logits = random_pair(seed)
    one, other = labels(first, second, logits), labels(second, first, -logits)
    assert one.dtype == logits.dtype
    assert set(one.unique().tolist()) <= {0.0, 1.0}
    assert (one + other - 1).abs().mean() < 1e-3, "but for rounding at a vote that is as strong as the logit"


def test_pseudo_labels_are_the_networks_own_decisions():
    first, second, logits = random_pair(0)
    assert torch.equal(Labels("pseudo")(first, second, logits), (logits >= 0).float())


def test_without_evidence_the_network_decides():
    logits = random_pair(1)[2]
    assert torch.equal(overruled(logits, torch.zeros_like(logits)), (logits >= 0).float())


def test_a_speck_is_overruled_by_those_around_it_and_a_confident_one_is_not():
    logits = torch.full((1, 1, 96, 96), 3.0)
    logits[..., 46:50, 46:50] = -3
    assert Labels("smoothed")(torch.empty(0), torch.empty(0), logits).all()
    logits[..., 46:50, 46:50] = -STRONGEST - 1
    assert (Labels("smoothed")(torch.empty(0), torch.empty(0), logits) == 0).sum() == 16


def test_the_evidence_of_a_region_overrules_a_network_that_is_not_sure_but_not_along_the_seam():
    evidence = torch.full((1, 1, 96, 96), BOUND)
    columns = overruled(halves(), evidence)[0, 0].mean(0)
    # right of the boundary at 48 the window of 33 sees the left half, too, as far as its reach of 16
    assert (columns == 0).nonzero().flatten().tolist() == list(range(48, 48 + WINDOW // 2))
    sure = overruled(halves() * (STRONGEST + 1), evidence)
    assert torch.equal(sure, (halves() >= 0).float())


def test_what_is_learned_from_has_no_gradient():
    first, second, logits = random_pair(2)
    assert not Labels("smoothed")(first, second, logits.requires_grad_()).requires_grad


@pytest.mark.parametrize("size", [(5, 5), (16, 70)])
def test_small_maps_are_labelled(size: tuple[int, int]):
    logits = torch.randn(2, 1, *size, generator=torch.Generator().manual_seed(0))
    first = torch.rand(2, 3, *size)
    assert Labels("votes", fresh_judge(0))(first, first, logits).shape == logits.shape
