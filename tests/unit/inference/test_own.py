from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.data import Picture
from bridgetune.inference import fuse_pictures


class Mixes(nn.Module):
    """Fuses three quarters of the first image and a quarter of the second, in values of -1 to 1."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return 0.75 * first + 0.25 * second


END_TO_END = AdapterConfig(value_range=(-1, 1), output="fused")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_picture_is_the_networks_own_and_the_map_is_read_off_it(dtype: type):
    first, second = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (2, 12, 14, 3), dtype=dtype)
    pictures = [Picture(pixels, gray=False) for pixels in (first, second)]
    fusion = fuse_pictures(wrap(Mixes(), END_TO_END), *pictures, recipe="own")
    assert np.abs(fusion.pixels - (0.75 * first + 0.25 * second)).max() < 0.51
    assert fusion.pixels.dtype == dtype
    assert (fusion.decision == 1).all()  # most of it is the first image's
    assert fusion.undecided == 0
    by_map = fuse_pictures(wrap(Mixes(), END_TO_END), *pictures)
    assert np.array_equal(by_map.pixels, first)


def test_a_network_that_draws_a_map_has_no_picture_of_its_own():
    flat = Picture(np.zeros((8, 8, 3), np.uint8), gray=False)
    with pytest.raises(RequestError, match="recipe own: the network draws a map, and fuses no picture itself"):
        fuse_pictures(wrap(DrawsAMap(), AdapterConfig()), flat, flat, recipe="own")


class DrawsAMap(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.zeros_like(first[:, :1])
