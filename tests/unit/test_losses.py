"""Eq. 5-12 against values worked out by hand, and against the formulas in float64."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bridgetune.losses import (
    adversarial_loss,
    binarisation,
    dice_loss,
    discriminator_loss,
    focal_loss,
    supervised_loss,
    swap_consistency,
    total_variation,
    tuning_loss,
)

logit_maps = st.lists(st.floats(-30, 30), min_size=4, max_size=4)
targets = st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=4)


def as_map(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1, 2)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_focal_by_hand():
    # y=1, p=0.9: -(0.1)² ln 0.9 = 0.00105361; y=0, p=0.2: -(0.2)² ln 0.8 = 0.00892574; their mean
    logits, target = as_map([logit(0.9), logit(0.2)]), as_map([1, 0])
    assert focal_loss(logits, target, gamma=2).item() == pytest.approx(0.004989674, rel=1e-6)


def test_balanced_focal_by_hand():
    # (0.25 · 0.00105361 + 0.75 · 0.00892574) / 2
    logits, target = as_map([logit(0.9), logit(0.2)]), as_map([1, 0])
    assert focal_loss(logits, target, balance=(0.25, 0.75)).item() == pytest.approx(0.003478853, rel=1e-6)


def test_focal_with_gamma_zero_is_binary_cross_entropy():
    logits, target = as_map([0.3, -1.2, 4.0, -0.5]), as_map([1, 0, 0, 1])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(focal_loss(logits, target, gamma=0), expected)


def test_dice_by_hand():
    # sample 1: p = (0.8, 0.4), y = (1, 0): 1 - 2·0.8 / (1 + 0.64 + 0.16) = 1/9
    # sample 2: p = (0.5, 0.5), y = (1, 1): 1 - 2·1 / (2 + 0.5) = 0.2
    logits = as_map([logit(0.8), logit(0.4), logit(0.5), logit(0.5)])
    target = as_map([1, 0, 1, 1])
    assert dice_loss(logits, target).item() == pytest.approx((1 / 9 + 0.2) / 2, rel=1e-9)


def test_dice_over_the_batch_with_smoothing_by_hand():
    # 1 - (2·(0.8 + 1) + 1) / ((1 + 0.64 + 0.16) + (2 + 0.5) + 1)
    logits = as_map([logit(0.8), logit(0.4), logit(0.5), logit(0.5)])
    target = as_map([1, 0, 1, 1])
    loss = dice_loss(logits, target, over="batch", smoothing=1)
    assert loss.item() == pytest.approx(1 - 4.6 / 5.3, rel=1e-9)


def test_an_empty_target_gives_a_dice_of_one_and_no_nan():
    logits = torch.full((1, 1, 2, 2), -200.0, requires_grad=True)
    loss = dice_loss(logits, torch.zeros(1, 1, 2, 2))
    loss.backward()
    assert loss.item() == 1
    assert torch.isfinite(logits.grad).all()


def test_supervised_and_tuning_loss_are_the_weighted_sums_of_their_terms():
    focal, dice, adversarial = (torch.tensor(value) for value in (0.05, 0.3, 7.0))
    supervised = supervised_loss(focal, dice)
    assert supervised.item() == pytest.approx(1.3)  # 20 · 0.05 + 0.3
    assert tuning_loss(supervised, adversarial).item() == pytest.approx(1.3007)  # + 1e-4 · 7


def test_discriminator_loss_by_hand():
    # -[ln 0.7 + ln(1 - 0.4) + ln(1 - 0.1)]
    real, fakes = torch.tensor([logit(0.7)]), [torch.tensor([logit(0.4)]), torch.tensor([logit(0.1)])]
    expected = -(math.log(0.7) + math.log(0.6) + math.log(0.9))
    assert discriminator_loss(real, fakes).item() == pytest.approx(expected, rel=1e-6)


def test_adversarial_loss_by_hand_in_both_forms():
    scores = [torch.tensor([logit(p)]) for p in (0.4, 0.1, 0.8, 0.5)]
    pushed = -sum(math.log(p) for p in (0.4, 0.1, 0.8, 0.5))
    saturating = sum(math.log(1 - p) for p in (0.4, 0.1, 0.8, 0.5))
    assert adversarial_loss(scores).item() == pytest.approx(pushed, rel=1e-6)
    assert adversarial_loss(scores, "saturating").item() == pytest.approx(saturating, rel=1e-6)


@given(values=logit_maps, target=targets, gamma=st.floats(0, 5))
def test_focal_agrees_with_equation_8_in_float64(values: list[float], target: list[float], gamma: float):
    logits, y = as_map(values), as_map(target)
    # 1 - p is written as sigmoid(-logit): in float64, too, the difference would round
    p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
    p_s, q_s = torch.where(y == 1, p, q), torch.where(y == 1, q, p)
    expected = (-(q_s**gamma) * torch.log(p_s)).mean()
    torch.testing.assert_close(focal_loss(logits, y, gamma=gamma), expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("value", [-100.0, -17.0, 17.0, 100.0])
def test_a_wrong_decision_is_finite_and_pulls_back_where_its_probability_is_0_or_1_in_float32(value: float):
    logits = torch.full((1, 1, 1, 1), value, requires_grad=True)
    assert torch.sigmoid(logits).item() in (0.0, 1.0) or abs(value) < 20
    wrong = torch.full((1, 1, 1, 1), 0.0 if value > 0 else 1.0)
    loss = supervised_loss(focal_loss(logits, wrong), dice_loss(logits, wrong))
    loss.backward()
    assert math.isfinite(loss.item())
    assert logits.grad.item() * value > 0, "the descent must lead back"


@pytest.mark.parametrize("value", [-100.0, 100.0])
def test_judgements_that_are_certain_and_wrong_have_finite_losses_and_gradients(value: float):
    scores = torch.tensor([value], requires_grad=True)
    losses = [
        adversarial_loss([scores]) if value < 0 else discriminator_loss(torch.zeros(1), [scores]),
        adversarial_loss([scores], "saturating") if value > 0 else discriminator_loss(scores, [torch.zeros(1)]),
    ]
    for loss in losses:
        (gradient,) = torch.autograd.grad(loss, scores)
        assert math.isfinite(loss.item())
        assert abs(gradient.item()) == pytest.approx(1)


@given(values=logit_maps, target=targets)
def test_losses_of_the_map_are_finite_and_dice_lies_between_0_and_1(values: list[float], target: list[float]):
    logits, y = as_map(values).float(), as_map(target).float()
    assert torch.isfinite(focal_loss(logits, y))
    assert 0 <= dice_loss(logits, y).item() <= 1 + 1e-6


def test_swap_consistency_is_zero_for_complementary_maps_and_by_hand():
    logits = as_map([logit(0.9), logit(0.2)])
    assert swap_consistency(logits, -logits).item() == pytest.approx(0, abs=1e-15)
    # M = 0.9 and 0.2, swapped 0.3 and 0.8: (0.2² + 0²) / 2
    assert swap_consistency(logits, as_map([logit(0.3), logit(0.8)])).item() == pytest.approx(0.02)


@given(logit_maps, logit_maps)
def test_swap_consistency_does_not_depend_on_which_order_is_called_the_first(one: list[float], other: list[float]):
    first, second = as_map(one), as_map(other)
    assert swap_consistency(first, second).item() == pytest.approx(swap_consistency(second, first).item(), abs=1e-12)


def test_binarisation_by_hand():
    # p=0.5: ln 2 = 0.693147; p=0.9: -(0.9 ln 0.9 + 0.1 ln 0.1) = 0.325083; their mean
    assert binarisation(as_map([0, logit(0.9)])).item() == pytest.approx(0.509115, rel=1e-5)
    assert binarisation(as_map([500, -500])).item() == pytest.approx(0, abs=1e-12)


def test_total_variation_by_hand():
    focus = torch.tensor([[0.5, 0.9], [0.5, 0.1]], dtype=torch.float64).view(1, 1, 2, 2)
    # across: |0.9-0.5|, |0.1-0.5|, mean 0.4; down: |0.5-0.5|, |0.1-0.9|, mean 0.4
    assert total_variation(torch.logit(focus)).item() == pytest.approx(0.8)
