"""Map errors and the homogeneous region."""

from __future__ import annotations

import math

import torch

from bridgetune.metrics import HomogeneousRegion, MapErrors, map_errors


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
