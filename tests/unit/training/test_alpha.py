"""α holds the adversarial share of the gradient at the map."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.training.alpha import LEAST, MOST, AdversarialWeight, norm

CPU = torch.device("cpu")
norms = st.floats(1e-2, 1e2)


def automatic(share: float = 0.1) -> AdversarialWeight:
    return AdversarialWeight("auto", share, CPU)


def after(weight: AdversarialWeight, *observed: tuple[float, float]) -> float:
    """α after some steps' norms."""
    for supervised, adversarial in observed:
        alpha = weight.next(torch.tensor(supervised), torch.tensor(adversarial))
    return float(alpha)


def test_a_given_alpha_stays():
    assert after(AdversarialWeight(0.3, 0.1, CPU), (1, 5), (7, 2)) == pytest.approx(0.3)


@given(supervised=norms, adversarial=norms, steps=st.integers(1, 30))
def test_steady_norms_give_their_ratio_from_the_first_step_on(supervised: float, adversarial: float, steps: int):
    found = after(automatic(0.1), *[(supervised, adversarial)] * steps)
    assert found == pytest.approx(0.1 * supervised / adversarial, rel=1e-3)


def test_alpha_follows_a_change_within_some_dozen_steps_and_not_at_once():
    weight = automatic(1.0)
    after(weight, *[(1.0, 1.0)] * 100)
    assert after(weight, (1.0, 100.0)) > 0.7, "one odd step moves it little"
    assert after(weight, *[(1.0, 100.0)] * 100) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("odd", [(0.0, 1.0), (1.0, 0.0), (math.nan, 1.0), (1.0, math.inf)])
def test_steps_without_a_gradient_or_with_an_unsound_one_are_passed_over(odd: tuple[float, float]):
    weight = automatic()
    before = after(weight, *[(2.0, 1.0)] * 5)
    assert after(weight, odd) == pytest.approx(before)


@pytest.mark.parametrize(("observed", "bound"), [((1e9, 1e-9), MOST), ((1e-12, 1e6), LEAST)])
def test_alpha_stays_within_bounds(observed: tuple[float, float], bound: float):
    assert after(automatic(), observed) == pytest.approx(bound)


def test_a_resumed_run_goes_on_with_the_same_alpha():
    straight, first, second = automatic(), automatic(), automatic()
    begun, then = [(1.0, 3.0), (2.0, 1.0)], [(5.0, 4.0), (1.0, 1.0)]
    after(first, *begun)
    second.load_state_dict(first.state_dict())
    assert after(second, *then) == after(straight, *begun, *then)


def test_a_norm_does_not_depend_on_how_many_pairs_a_batch_has():
    gradient = torch.rand(4, 1, 8, 8)
    # of a mean over twice as many equal pairs each pair's gradient is half
    assert norm(gradient) == pytest.approx(norm(torch.cat([gradient, gradient]) / 2).item(), rel=1e-6)
