from __future__ import annotations

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
