"""Configs: the paper's numbers, frozen, and one line for what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bridgetune import RECIPES, AdapterConfig, Epochs, PretrainConfig, RequestError, TuneConfig
from bridgetune.documents import checked


def test_defaults_are_the_papers():
    # Section 4.1 and Algorithm 1
    stage1, stage2 = PretrainConfig(), TuneConfig()
    assert (stage1.duration, stage1.batch, stage1.learning_rate) == (Epochs(epochs=100), 32, 1e-3)
    assert (stage2.duration, stage2.batch, stage2.learning_rate) == (Epochs(epochs=50), 16, 6e-4)
    assert stage1.betas == stage2.betas == (0.9, 0.999)
    assert stage1.size == stage2.size == 256
    assert stage1.kernel_sizes == (3, 21)
    assert stage2.alpha == 1e-4
    assert stage2.adversarial == "non-saturating"


def test_the_recipes_differ_where_paper_and_program_do():
    paper, released = RECIPES["paper"], RECIPES["released"]
    assert (paper.focal_weight_pretrain, paper.focal_weight_finetune) == (20, 20)
    assert (released.focal_weight_pretrain, released.focal_weight_finetune) == (15, 20)
    assert (paper.score, released.score) == ("image", "pixel")
    assert (paper.dice_over, released.dice_over) == ("sample", "batch")
    assert released.focal_balance == (0.25, 0.75)
    assert released.dice_smoothing == 1


def test_configs_and_recipes_are_frozen():
    with pytest.raises(ValidationError):
        RECIPES["paper"].focal_gamma = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        TuneConfig().alpha = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (TuneConfig, {"alpha": -1.0}, "alpha: got -1.0; expected a number from 0 on, or 'auto'"),
        (TuneConfig, {"alpha": float("nan")}, "alpha: got nan"),
        (PretrainConfig, {"batch": 0}, "batch: got 0"),
        (PretrainConfig, {"kernel_sizes": (3, 20)}, "kernel_sizes: got (3, 20), expected two odd sizes"),
        (PretrainConfig, {"recipe": "original"}, "recipe: got 'original'"),
        (PretrainConfig, {"alpha": 1.0}, "alpha: no such key"),
        (AdapterConfig, {"value_range": (1, 0)}, "value_range: got (1.0, 0.0)"),
        (AdapterConfig, {"color": "gray", "mean": (0.1, 0.2, 0.3)}, "mean: got 3 values, expected 1 or 1"),
        (AdapterConfig, {"output": "softmax", "channel": 2}, "channel: got 2"),
    ],
)
def test_a_value_that_does_not_fit_is_named_in_one_line(model: Any, values: dict[str, Any], said: str):
    with pytest.raises(RequestError) as refused:
        checked(model, **values)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
