"""Invention: structure that is in neither source, everywhere, in homogeneous regions and along the seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter
from torch import Tensor

from bridgetune import metrics
from bridgetune.metrics import METRICS, ScoredDecision, SourcePair, classes
from bridgetune.metrics.maps import near_boundary
from tests.support.triples import triple


def step(column: int, height: int = 16, width: int = 40) -> Tensor:
    """Black left of `column`, gray from there on."""
    image = torch.zeros(1, 1, height, width, dtype=torch.uint8)
    image[..., column:] = 100
    return image


def seam(first: Tensor, second: Tensor, fused: Tensor, decision: Tensor) -> float:
    images = SourcePair(first, second).scored(fused)
    return float(METRICS["invention_seam"].computed(ScoredDecision(images, decision, 0.0)))


@pytest.mark.parametrize(("moved", "expected"), [(0, 0), (1, 0), (2, 0.5), (3, 1)])
def test_an_edge_may_move_by_a_pixel(moved: int, expected: float):
    # the central difference of a step is on two columns; moved by 2, one of them is more than a pixel away
    source = step(20)
    assert metrics.invention(source, source, step(20 + moved)).tolist() == [expected]


def test_it_is_the_share_of_energy_that_numpy_and_scipy_find():
    images = [(image[:, :1] * 255).round().to(torch.uint8) for image in triple(1, 7)]
    energies = [sum(np.square(np.gradient(image[0, 0].double().numpy()))) for image in images]
    possible = maximum_filter(np.maximum(*energies[:2]), 3, mode="nearest")
    expected = np.maximum(energies[2] - possible, 0).sum() / energies[2].sum()
    assert 0.01 < expected < 1
    assert float(metrics.invention(*images)) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(11, 30), st.integers(11, 30))
def test_it_is_a_share_and_the_sources_may_change_places_and_are_no_invention(seed: int, height: int, width: int):
    random = torch.Generator().manual_seed(seed)
    first, second, fused = (torch.rand(1, 3, height, width, generator=random) for _ in range(3))
    score = metrics.invention(first, second, fused)
    assert 0 <= float(score) <= 1
    assert torch.equal(score, metrics.invention(second, first, fused))
    assert metrics.invention(first, second, second).tolist() == [0]


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.floats(0, 1))
def test_what_a_map_picks_from_the_sources_is_invented_at_its_boundary_alone(seed: int, share: float):
    random = torch.Generator().manual_seed(seed)
    first, second = (torch.rand(1, 3, 20, 24, generator=random) for _ in range(2))
    taken = torch.rand(1, 1, 20, 24, generator=random) < share
    scored = SourcePair(first, second).scored(torch.where(taken, first, second))
    assert not scored.invented_energy[~near_boundary(taken)[:, 0]].any()


def test_in_homogeneous_regions_those_of_both_sources_count():
    # of 60 columns 24 to 54 are flat in the first source, 6 to 36 in the second, windows of 11 included
    random = torch.Generator().manual_seed(0)
    first, second = (torch.randint(0, 256, (1, 1, 16, 60), generator=random, dtype=torch.uint8) for _ in range(2))
    first[..., 19:60], second[..., 0:42] = 90, 90
    blotch = torch.full_like(first, 90)
    blotch[..., 29:32] = 120
    assert metrics.invention_homogeneous(first, second, blotch).tolist() == [1]
    elsewhere = torch.full_like(first, 90)
    elsewhere[..., 50:53] = 120
    assert metrics.invention_homogeneous(first, second, elsewhere).tolist() == [0]
    assert float(metrics.invention(first, second, elsewhere)) < 1


def test_where_nothing_is_homogeneous_there_is_no_score_and_a_mean_is_over_the_others():
    noise, flat = triple(1), [torch.full((1, 3, 20, 24), 0.5)] * 3
    assert metrics.invention_homogeneous(*noise).isnan().all()
    gathered = classes.InventionHomogeneous()
    gathered.update(*noise)
    gathered.update(*flat)
    assert float(gathered.compute()) == 0
    together = classes.FusionScores()
    together.update(*noise)
    together.update(*flat)
    assert float(together.compute()["invention_homogeneous"]) == 0


def test_an_image_of_one_level_invents_nothing():
    first, second, _ = triple(1)
    assert metrics.invention(first, second, torch.full_like(first, 0.3)).tolist() == [0]


def test_along_the_seam_the_pixels_near_the_boundary_count():
    dark, bright = torch.zeros(1, 1, 16, 40, dtype=torch.uint8), torch.full((1, 1, 16, 40), 100, dtype=torch.uint8)
    decision = 1 - step(20).float() / 100
    # the fused image's edges: one between the flat sources at the seam, and one far away that the second source has
    bright[..., 30:] = 200
    fused = torch.where(decision.bool(), dark, bright)
    assert seam(dark, bright, fused, decision) == 1
    assert float(metrics.invention(dark, bright, fused)) == 0.5
    assert np.isnan(seam(dark, bright, fused, torch.ones_like(decision)))
