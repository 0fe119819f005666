"""Map metrics: errors and the homogeneous region; overlap, boundaries, regions, and the order of the sources."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bridgetune.metrics import (
    METRICS,
    Agreement,
    HomogeneousRegion,
    MapErrors,
    MapScores,
    ScoredMap,
    map_errors,
    map_scores,
    swap_inconsistency,
)
from bridgetune.metrics.maps import seam


def test_a_flat_image_is_homogeneous_and_noise_is_not():
    region = HomogeneousRegion()
    assert region.of(torch.full((1, 3, 32, 32), 0.7)).all()
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert not region.of(noise).any()


def test_the_region_ends_where_the_window_meets_an_edge():
    image = torch.zeros(1, 3, 32, 32)
    image[..., 16:] = 1
    region = HomogeneousRegion(window=11)
    # a window of 11 around column 10 reaches column 15, around column 11 it meets the edge at 16
    assert region.of(image)[0, 0, 5].tolist() == [True] * 11 + [False] * 10 + [True] * 11


def test_the_local_deviation_is_the_windows_own():
    image = torch.zeros(1, 3, 3, 3)
    image[..., 0, 0] = 0.9
    # one pixel of nine at 0.9: std = 0.9 · sqrt(1/9 · 8/9) = 0.28284
    assert not HomogeneousRegion(3, 0.2828).of(image)[0, 0, 1, 1]
    assert HomogeneousRegion(3, 0.2829).of(image)[0, 0, 1, 1]


def test_errors_are_counted_everywhere_and_in_homogeneous_regions():
    truth = torch.tensor([[1.0, 1.0, 0.0, 0.0]]).view(1, 1, 1, 4)
    decision = torch.tensor([[1.0, 0.0, 0.0, 1.0]]).view(1, 1, 1, 4)
    homogeneous = torch.tensor([[True, True, True, False]]).view(1, 1, 1, 4)
    errors = map_errors(decision, truth, homogeneous)
    assert errors == MapErrors(wrong=2, pixels=4, homogeneous_wrong=1, homogeneous_pixels=3)
    assert errors.map_error == 0.5
    assert errors.homogeneous_error == 1 / 3
    assert errors.homogeneous_share == 0.75


def test_errors_of_images_add_up_by_pixels():
    small, large = MapErrors(1, 4, 0, 0), MapErrors(0, 96, 0, 10)
    assert (small + large).map_error == 0.01
    assert math.isnan(small.homogeneous_error)


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
    named = map_scores(halves(20), halves(20), NOWHERE).named()
    assert list(named) == names[: len(named)]


def test_what_is_registered_is_what_is_named():
    decision, homogeneous = halves(10), NOWHERE.clone()
    homogeneous[..., :10, :] = True
    named = map_scores(decision, halves(20), homogeneous).named()
    scored = ScoredMap(decision, halves(20), homogeneous)
    assert {name: METRICS[name].computed(scored) for name in named} == named
    assert scored.scores is scored.scores


def test_overlap_is_the_mean_of_both_images():
    scores = map_scores(halves(10), halves(20), NOWHERE).everywhere
    # first: 10 of 20 columns; second: 20 of 30
    assert scores.error == 0.25
    assert scores.iou == pytest.approx((10 / 20 + 20 / 30) / 2)
    inverted = map_scores(1 - halves(10), 1 - halves(20), NOWHERE).everywhere
    assert inverted.iou == scores.iou


@pytest.mark.parametrize(("moved", "expected"), [(0, 1), (1, 1), (2, 1), (3, 0)])
def test_boundaries_match_within_the_tolerance(moved: int, expected: float):
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
    # of a single pixel, its own place and those above it and to the left are the boundary
    truth = torch.zeros(1, 1, 40, 40)
    truth[..., 20, 20] = 1
    for down, right, expected in ((0, 2, 1), (1, 1, 1), (2, 2, 0)):  # the nearest are 2, √2 and √5 away
        moved = truth.roll((down, right), (2, 3))
        assert map_scores(moved, truth, NOWHERE).everywhere.boundary_f == expected, (down, right)


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


def test_the_seam_is_two_pixels_wide_on_either_side_of_the_boundary():
    first = torch.zeros(1, 1, 9, 20, dtype=torch.bool)
    first[..., :10] = True
    # the boundary is marked at column 9, the last of the first image's
    assert seam(first)[0, 0].any(0).nonzero().flatten().tolist() == [7, 8, 9, 10, 11]
    assert torch.equal(seam(first), seam(~first))
    assert not seam(torch.ones(1, 1, 9, 9, dtype=torch.bool)).any()
