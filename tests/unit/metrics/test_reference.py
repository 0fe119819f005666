"""Scores against the all-in-focus image."""

from __future__ import annotations

import math

import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from bridgetune.errors import RequestError
from bridgetune.metrics import full_reference
from tests.support.triples import triple


def test_full_reference_scores():
    clear = torch.full((2, 3, 20, 20), 100, dtype=torch.uint8)
    fused = clear.clone()
    fused[1] += 5
    scores = full_reference(fused, clear)
    # equal images differ by nothing; 5 levels everywhere: 20·log10(255/5) = 34.15 dB
    assert scores["psnr"].tolist() == [math.inf, pytest.approx(34.1514, abs=1e-4)]
    # flat images: (2·100·105 + C1)/(100² + 105² + C1), C1 = 2.55²
    assert scores["ssim"].tolist() == [pytest.approx(1, abs=1e-5), pytest.approx(0.998811, abs=1e-5)]


def test_nearly_equal_images_are_not_taken_for_equal_ones():
    clear = torch.full((1, 1, 1000, 1000), 100, dtype=torch.uint8)
    fused = clear.clone()
    fused[..., 0, 0] += 1
    # a squared error of 1 in 10⁶ pixels: 20·log10(255) + 60 dB
    assert float(full_reference(fused, clear)["psnr"]) == pytest.approx(108.1308, abs=1e-4)


def test_ssim_is_that_of_torchmetrics():
    fused, clear, _ = triple(2, 3)
    levels = [(image * 255).round().double() for image in (fused, clear)]
    theirs = structural_similarity_index_measure(*levels, data_range=255.0, reduction="none")
    assert torch.allclose(full_reference(fused, clear)["ssim"], theirs, atol=1e-9)


def test_full_reference_of_gray_and_colour():
    gray = torch.randint(0, 256, (1, 1, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert float(full_reference(gray, gray.expand(1, 3, 20, 20))["psnr"]) == math.inf


def test_images_of_two_sizes_are_refused():
    with pytest.raises(RequestError, match=r"fused image: got shape \(1, 3, 20, 24\), the all-in-focus one has"):
        full_reference(torch.zeros(1, 3, 20, 24), torch.zeros(1, 3, 20, 23))
