"""Map metrics beyond the plain error: overlap, boundaries, regions, and the order of the sources."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bridgetune.metrics import METRICS, Agreement, MapScores, map_scores, swap_inconsistency

NOWHERE = torch.zeros(1, 1, 40, 40, dtype=torch.bool)


def halves(column: int) -> Tensor:
    """The first image's left of `column`."""
    found = torch.zeros(1, 1, 40, 40)
    found[..., :column] = 1
    return found


def test_a_perfect_map_has_perfect_scores_in_every_region():
    homogeneous = NOWHERE.clone()
    homogeneous[..., :10, :] = True
    scores = map_scores(halves(20), halves(20), homogeneous).named()
    assert {name: value for name, value in scores.items() if "error" in name} == dict.fromkeys(
        ("map_error", "homogeneous_error", "textured_error"), 0
    )
    assert all(value == 1 for name, value in scores.items() if "error" not in name)


def test_every_name_is_in_the_registry():
    names = [name for name, info in METRICS.items() if info.kind == "map"]
    assert list(map_scores(halves(20), halves(20), NOWHERE).named()) == names


def test_overlap_is_the_mean_of_both_images():
    scores = map_scores(halves(10), halves(20), NOWHERE).everywhere
    # first: 10 of 20 columns; second: 20 of 30
    assert scores.error == 0.25
    assert scores.iou == pytest.approx((10 / 20 + 20 / 30) / 2)
    inverted = map_scores(1 - halves(10), 1 - halves(20), NOWHERE).everywhere
    assert inverted.iou == scores.iou


@pytest.mark.parametrize(("moved", "expected"), [(0, 1), (1, 1), (2, 0)])
def test_boundaries_match_within_the_tolerance(moved: int, expected: float):
    # 0.75 % of the diagonal of 40×40, 56.6 pixels: 0.42, so 1 pixel
    assert map_scores(halves(20 + moved), halves(20), NOWHERE).everywhere.boundary_f == expected


def test_a_false_boundary_costs_precision():
    decision = halves(20)
    decision[..., 4:8, 30:34] = 1  # a hole, of which 4 + 4 pixels have their right neighbour outside, and so on
    agreement = map_scores(decision, halves(20), NOWHERE).everywhere
    assert agreement.true_matched == agreement.true_boundary == 40
    precision = 40 / agreement.decided_boundary
    assert agreement.decided_boundary > 40
    assert agreement.boundary_f == pytest.approx(2 * precision / (precision + 1))


def test_the_tolerance_is_a_disk():
    decision, truth = torch.zeros(1, 1, 400, 400), torch.zeros(1, 1, 400, 400)
    # 0.75 % of 565.7 pixels: 4.24, so 5; single pixels have boundaries up to one pixel left and above themselves
    truth[..., 200, 200] = 1
    decision[..., 204, 204] = 1  # √32 = 5.66 away
    assert map_scores(decision, truth, torch.zeros_like(truth, dtype=torch.bool)).everywhere.boundary_f < 1
    decision = decision.roll(-1, -1)  # √25 = 5 away
    assert map_scores(decision, truth, torch.zeros_like(truth, dtype=torch.bool)).everywhere.boundary_f == 1


def test_regions_part_the_pixels_and_their_boundaries():
    homogeneous = NOWHERE.clone()
    homogeneous[..., :10, :] = True
    decision = halves(20)
    decision[..., :10, :] = 1
    scores = map_scores(decision, halves(20), homogeneous)
    assert scores.homogeneous.error == 0.5
    assert scores.textured.error == 0
    assert scores.homogeneous + scores.textured == scores.everywhere
    assert scores.homogeneous.iou == 0.25  # first: half of the union; second: none


def test_an_empty_region_and_a_map_without_boundaries_have_no_score():
    scores = map_scores(torch.ones(1, 1, 40, 40), torch.ones(1, 1, 40, 40), NOWHERE)
    assert math.isnan(scores.homogeneous.error)
    assert math.isnan(scores.homogeneous.iou)
    assert math.isnan(scores.everywhere.boundary_f)
    assert scores.everywhere.iou == 1
    assert map_scores(halves(20), torch.ones(1, 1, 40, 40), NOWHERE).everywhere.boundary_f == 0


def test_images_add_up_by_pixels():
    one, other = (map_scores(halves(column), halves(20), NOWHERE) for column in (10, 20))
    assert (one + other).everywhere.error == 0.125
    assert one + MapScores() == one
    assert Agreement(first=3, wrong=1).error == 0.25


def test_a_decision_that_follows_its_source_is_consistent():
    decision = halves(13)
    assert swap_inconsistency(decision, 1 - decision).tolist() == [0]
    assert swap_inconsistency(decision, decision).tolist() == [1]
    changed = 1 - decision
    changed[..., :4, :] = 1 - changed[..., :4, :]
    assert swap_inconsistency(decision, changed).tolist() == [pytest.approx(0.1)]


def test_an_edge_of_one_half_is_consistent_with_itself():
    half = torch.full((2, 1, 40, 40), 0.5)
    assert swap_inconsistency(half, half).tolist() == [0, 0]
