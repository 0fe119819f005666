"""Eq. 1-4 and 17-18."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bridgetune.synthesis import Syntheses, blend, decision_map, fuse, synthesize

SATURATED = 200.0
"""A logit whose sigmoid is exactly 1 in float32, and whose negative's is exactly 0."""


def images(seed: int, count: int = 4, batch: int = 2, height: int = 5, width: int = 7) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.rand(batch, 3, height, width, generator=random) for _ in range(count)]


def by_the_formulas(first: Tensor, second: Tensor, m: Tensor, clear: Tensor, blurred: Tensor) -> Syntheses:
    return Syntheses(
        m * first + (1 - m) * clear,
        (1 - m) * second + m * clear,
        (1 - m) * first + m * blurred,
        m * second + (1 - m) * blurred,
    )


def test_where_the_map_is_one_each_synthesis_is_exactly_what_its_equation_leaves():
    first, second, clear, blurred = images(0)
    made = synthesize(first, second, torch.full((2, 1, 5, 7), SATURATED), clear, blurred)
    assert torch.equal(made.clear_first, first)
    assert torch.equal(made.clear_second, clear)
    assert torch.equal(made.blurred_first, blurred)
    assert torch.equal(made.blurred_second, second)


def test_where_the_map_is_zero_each_synthesis_is_exactly_what_its_equation_leaves():
    first, second, clear, blurred = images(1)
    made = synthesize(first, second, torch.full((2, 1, 5, 7), -SATURATED), clear, blurred)
    assert torch.equal(made.clear_first, clear)
    assert torch.equal(made.clear_second, second)
    assert torch.equal(made.blurred_first, first)
    assert torch.equal(made.blurred_second, blurred)


def test_a_map_of_both_values_parts_every_synthesis_along_its_boundary():
    first, second, clear, blurred = images(2)
    logits = torch.full((2, 1, 5, 7), -SATURATED)
    logits[..., :3] = SATURATED
    made = synthesize(first, second, logits, clear, blurred)
    assert torch.equal(made.clear_first[..., :3], first[..., :3])
    assert torch.equal(made.clear_first[..., 3:], clear[..., 3:])
    assert torch.equal(made.blurred_second[..., :3], second[..., :3])
    assert torch.equal(made.blurred_second[..., 3:], blurred[..., 3:])


@given(seed=st.integers(0, 2**31), spread=st.floats(0.1, 30))
def test_syntheses_agree_with_the_formulas_in_float64(seed: int, spread: float):
    sources = [image.double() for image in images(seed)]
    logits = torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(seed)).double() * spread
    made = synthesize(*sources[:2], logits, *sources[2:])
    expected = by_the_formulas(*sources[:2], torch.sigmoid(logits), *sources[2:])
    for image, formula in zip(made, expected, strict=True):
        torch.testing.assert_close(image, formula, atol=1e-12, rtol=0)


@given(seed=st.integers(0, 2**31))
def test_swapping_the_pair_and_complementing_the_map_swaps_the_syntheses(seed: int):
    first, second, clear, blurred = images(seed)
    logits = torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(seed)) * 5
    made = synthesize(first, second, logits, clear, blurred)
    swapped = synthesize(second, first, -logits, clear, blurred)
    for image, other in (("clear_first", "clear_second"), ("blurred_first", "blurred_second")):
        torch.testing.assert_close(getattr(made, image), getattr(swapped, other), atol=1e-6, rtol=0)
        torch.testing.assert_close(getattr(made, other), getattr(swapped, image), atol=1e-6, rtol=0)


def test_a_map_saturated_in_float32_keeps_its_gradient():
    inside, outside = torch.ones(1, 1, 1, 2), torch.zeros(1, 1, 1, 2)
    logits = torch.tensor([30.0, -30.0]).view(1, 1, 1, 2).requires_grad_()
    assert torch.sigmoid(logits).flatten().tolist()[0] == 1.0
    blend(logits, inside, outside).sum().backward()
    slope = torch.sigmoid(torch.tensor(-30.0, dtype=torch.float64))
    expected = (slope * (1 - slope)).float().expand(2)  # M(1-M), in float64
    torch.testing.assert_close(logits.grad.flatten(), expected, rtol=1e-5, atol=0)


def test_the_decision_is_the_first_image_from_probability_one_half_on():
    logits = torch.tensor([-3.0, -1e-3, 0.0, 1e-3, 3.0]).view(1, 1, 1, 5)
    assert decision_map(logits).flatten().tolist() == [0, 0, 1, 1, 1]


@given(seed=st.integers(0, 2**31))
def test_every_fused_pixel_is_one_of_the_sources_own(seed: int):
    first, second = images(seed, count=2)
    decision = decision_map(torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(seed)))
    assert torch.equal(fuse(first, second, decision), torch.where(decision == 1, first, second))
