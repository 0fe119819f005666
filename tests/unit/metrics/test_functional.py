"""The fusion metrics by their names."""

from __future__ import annotations

import pickle

import pytest
import torch

from bridgetune import metrics
from bridgetune.metrics import FUSION_METRICS, METRICS, SourcePair, functional
from tests.support.triples import batch

CONVENTIONS = ["toolbox", "paper"]
FUNCTIONS = {name: getattr(metrics, name) for name in FUSION_METRICS}


@pytest.mark.parametrize("name", FUSION_METRICS)
def test_the_functions_and_the_pair_agree(name: str):
    expected = SourcePair(*batch()[:2]).score(batch()[2])[name]
    assert torch.allclose(FUNCTIONS[name](*batch()), expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ["q_s", "q_w"])
def test_the_two_conventions_differ(name: str):
    one, other = (FUNCTIONS[name](*batch(), convention=convention) for convention in CONVENTIONS)
    assert (one - other).abs().max() > 0.01


def test_dtypes_are_those_of_a_pair():
    first, second, fused = batch()
    exact = SourcePair(first, second, responses=torch.float64).score(fused, ["q_p"])["q_p"]
    assert torch.equal(metrics.q_p(first, second, fused, responses=torch.float64), exact)
    assert metrics.q_mi(first, second, fused, dtype=torch.float32).dtype == torch.float32


@pytest.mark.parametrize("name", FUSION_METRICS)
def test_a_function_says_what_it_is_and_is_one_wherever_it_is_asked_for(name: str):
    assert FUNCTIONS[name].__name__ == name
    assert FUNCTIONS[name].__doc__ == METRICS[name].computed.__doc__
    assert FUNCTIONS[name] is getattr(functional, name)
    assert pickle.loads(pickle.dumps(FUNCTIONS[name])) is FUNCTIONS[name]
    assert name in dir(metrics)
    assert name in metrics.__all__


def test_there_is_no_function_of_a_name_that_is_not_registered_or_of_another_kind():
    for name in ("q_x", "psnr"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(functional, name)
