"""The pair whose decision map is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bridgetune.wrapping.known_pair import BORDER, blurred, half_and_half, sides_of, texture


def roughness(image: Tensor) -> float:
    return float(image.diff(dim=-1).abs().mean())


@pytest.mark.parametrize("side", [64, 96, 224])
def test_each_image_is_sharp_in_its_own_half_and_blurred_in_the_other(side: int):
    (left, blurred_right), (blurred_left, right) = map(sides_of, half_and_half(side))
    assert roughness(left) > 1.5 * roughness(blurred_left)
    assert roughness(right) > 1.5 * roughness(blurred_right)


def test_away_from_the_boundary_the_sharp_half_is_the_picture_itself():
    whole, (first, second) = texture(96), half_and_half(96)
    assert torch.equal(first[..., : 48 - BORDER], whole[..., : 48 - BORDER])
    assert torch.equal(second[..., 48 + BORDER :], whole[..., 48 + BORDER :])


def test_a_texture_is_a_picture_of_its_seed():
    assert texture(64).shape == (1, 3, 64, 64)
    assert 0 <= float(texture(64).min()) < 0.01
    assert 0.99 < float(texture(64).max()) <= 1
    assert not torch.equal(texture(64), texture(64, seed=1))
    assert roughness(blurred(texture(64))) < roughness(texture(64)) / 1.5
