"""One reading and another: how right they are, whether they are one, whether a gradient is left."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bridgetune import AdapterConfig
from bridgetune.wrapping.candidates import Candidate, agreement, correlation


def right(strength: float = 3.0, side: int = 64) -> Tensor:
    """Of the known pair and its reverse, all right."""
    half = torch.ones(1, side, side)
    half[..., side // 2 :] = -1
    return strength * torch.stack([half, -half])


def candidate(logits: Tensor) -> Candidate:
    return Candidate(AdapterConfig(), "", agreement(logits), logits)


def test_agreement_is_the_share_of_right_decisions_off_the_boundary():
    assert agreement(right()) == 1
    assert agreement(-right()) == 0
    assert agreement(right().abs()) == 0.5
    at_the_boundary = right()
    at_the_boundary[..., 24:40] *= -1
    assert agreement(at_the_boundary) == 1


def test_of_readings_that_tell_the_decisions_count_and_of_others_the_numbers_too():
    assert candidate(right(1)).decides_like(candidate(right(50) + 0.1))
    noise = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert candidate(noise).decides_like(candidate(-3 * noise)), "turned"
    assert not candidate(noise).decides_like(candidate(noise + 1)), "other decisions"
    assert not candidate(noise).decides_like(candidate(noise.sign() * noise.square())), "other numbers"
    assert not candidate(noise).decides_like(candidate(noise[..., :32]))


def test_a_map_without_a_gradient_is_told():
    assert candidate(right(20)).saturated
    assert not candidate(right(3)).saturated


@pytest.mark.parametrize(("other", "expected"), [(2.0, 1), (-0.5, -1), (0.0, 0)])
def test_correlation_has_a_sign_and_is_none_without_contrast(other: float, expected: float):
    values = torch.linspace(0, 1, 50).view(5, 10)
    assert correlation(values, other * values) == pytest.approx(expected, abs=1e-5)
