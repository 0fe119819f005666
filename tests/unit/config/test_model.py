"""What all settings have in common: frozen, and one line for what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bridgetune import RECIPES, AdapterConfig, PretrainConfig, RequestError, TuneConfig
from bridgetune.documents import checked


def test_configs_and_recipes_are_frozen():
    with pytest.raises(ValidationError):
        RECIPES["paper"].focal_gamma = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        TuneConfig().alpha = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (TuneConfig, {"alpha": -1.0}, "alpha: got -1.0; expected a number from 0 to 1000000, or 'auto'"),
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
