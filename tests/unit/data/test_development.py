from __future__ import annotations

import pytest
import torch

from bridgetune.data.development import developed, nothing_developed

SIDE = 32


def noise_image(seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def test_a_camera_that_changes_nothing_changes_nothing():
    images = noise_image(), noise_image(1)
    developments = [nothing_developed()], [None]
    for before, after, none in zip(images, *(developed(images, each) for each in developments), strict=True):
        assert torch.allclose(before, after, atol=1e-6)
        assert torch.equal(before, none)


def test_a_jpeg_file_of_low_quality_is_further_from_its_image():
    images = noise_image(), noise_image()
    development = nothing_developed()._replace(qualities=(50, 95))
    low, high = ((image - images[0]).abs().mean() for image in developed(images, [development]))
    assert 0 < high < low


def test_breathing_moves_the_images_against_each_other_by_what_it_was_given():
    column = torch.zeros(1, 3, SIDE, SIDE)
    column[..., 16:18] = 1
    shifted = nothing_developed()._replace(motion=(0.0, 4 / (SIDE / 2), 0.0))
    first, second = developed((column, column), [shifted])
    place = torch.arange(SIDE).float()
    middles = [(image[0, 0, 8] * place).sum() / image[0, 0, 8].sum() for image in (first, second)]
    assert abs((middles[1] - middles[0]).item()) == pytest.approx(4, abs=0.1)
    assert (middles[0] + middles[1]).item() / 2 == pytest.approx(16.5, abs=0.05)


def test_breathing_makes_the_second_image_larger():
    square = torch.zeros(1, 3, SIDE, SIDE)
    square[..., 8:24, 8:24] = 1
    first, second = developed((square, square), [nothing_developed()._replace(motion=(0.2, 0.0, 0.0))])
    assert (second.mean() / first.mean()).item() == pytest.approx((1.1 / 0.9) ** 2, rel=0.1)
