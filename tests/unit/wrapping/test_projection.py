"""A map read off a fused picture."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bridgetune.data.pairs import multi_focus_pair
from bridgetune.wrapping.known_pair import texture
from bridgetune.wrapping.projection import SLOPE, nearest, projected, residue


def known(side: int = 96) -> tuple[Tensor, Tensor, Tensor]:
    mask = torch.zeros(1, side, side)
    mask[..., : side // 2] = 1
    pair = multi_focus_pair(texture(side)[0], mask, 11)
    return pair.first[None], pair.second[None], mask[None]


def test_of_two_images_the_nearer_one_is_the_one_that_projecting_finds():
    first, second, mask = known()
    fused = (mask * first + (1 - mask) * second + 0.05 * torch.randn(first.shape)).clamp(0, 1)
    scores = nearest(fused, (first, second))
    torch.testing.assert_close(scores[:, :1] - scores[:, 1:], projected(fused, first, second), atol=1e-4, rtol=1e-3)


def test_of_several_images_the_one_that_the_picture_is_of_is_nearest():
    images = list(torch.rand(4, 1, 3, 32, 32))
    bands = torch.arange(4).repeat_interleave(8)[:, None].expand(32, 32)
    fused = torch.stack(images)[bands, 0, :, torch.arange(32)[:, None], torch.arange(32)].permute(2, 0, 1)[None]
    found = nearest(fused, images)[0].argmax(0)
    assert (found == bands).float().mean() > 0.8
    assert (found == bands)[[3, 12, 20, 28]].all()


def test_a_picture_of_one_source_is_that_source():
    first, second, _ = known()
    assert projected(first, first, second).median() == pytest.approx(SLOPE, rel=0.01)
    assert projected(second, first, second).median() == pytest.approx(-SLOPE, rel=0.01)
    assert projected((first + second) / 2, first, second).abs().max() == pytest.approx(0, abs=1e-3)


def test_of_a_picture_that_was_fused_by_a_map_the_map_is_found():
    first, second, mask = known()
    logits = projected(torch.where(mask == 1, first, second), first, second)
    inside = torch.ones_like(mask, dtype=torch.bool)
    inside[..., 44:52] = False
    assert ((logits > 0) == (mask == 1))[inside].float().mean() > 0.99


def test_to_exchange_the_sources_is_to_exchange_the_sign():
    first, second, _ = known()
    fused = 0.7 * first + 0.3 * second
    assert torch.equal(projected(fused, first, second), -projected(fused, second, first))


def test_where_the_sources_are_one_it_says_what_is_said_around():
    first, second, _ = known()
    first, second = first.clone(), second.clone()
    first[..., 20:40, 20:40] = second[..., 20:40, 20:40] = 0.5
    logits = projected(first, first, second)
    assert torch.isfinite(logits).all()
    assert (logits[..., 20:40, 20:40] > SLOPE / 2).all()
    same = projected(second, second, second)
    assert (same == 0).all()


def test_a_gradient_reaches_the_picture_wherever_the_sources_differ():
    first, second, _ = known()
    fused = ((first + second) / 2).requires_grad_()
    projected(fused, first, second)[..., 10:80, 10:80].sum().backward()
    differ = ((first - second).abs() > 0.02)[..., 12:78, 12:78]
    assert (fused.grad[..., 12:78, 12:78][differ] != 0).all()


def test_what_is_made_of_its_sources_leaves_nothing():
    first, second, mask = known()
    for share in (0.0, 0.3, 1.0, mask):
        assert residue(share * first + (1 - share) * second, first, second).max() < 1e-5


def test_what_is_of_neither_source_is_told():
    first, second, _ = known()
    assert residue(first + 0.1, first, first).allclose(torch.tensor(0.1), atol=1e-5)
    beyond = second + 1.5 * (first - second)
    torch.testing.assert_close(
        residue(beyond, first, second), (0.5 * (first - second)).abs().mean(1, keepdim=True), atol=1e-5, rtol=0
    )
