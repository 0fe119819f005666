"""Every number that a user gives has two ends, wherever it is given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bridgetune.config import AdapterConfig, Augmentation, Epochs, PretrainConfig, Recipe, Steps, TuneConfig
from bridgetune.config.bounds import MOST_PIXELS, Seed, Tolerance, limits, within
from bridgetune.errors import RequestError
from bridgetune.sweeps.settings import CostSettings, Dataset, EvaluationSettings

MODELS: dict[type[BaseModel], dict[str, Any]] = {
    AdapterConfig: {},
    Augmentation: {},
    Epochs: {"epochs": 1},
    PretrainConfig: {},
    Recipe: {"name": "paper"},
    Steps: {"steps": 1},
    TuneConfig: {},
    CostSettings: {},
    Dataset: {"demo": True},
    EvaluationSettings: {},
}
"""With what each needs."""

BEYOND = (math.nan, math.inf, -math.inf, 1e300, -1e300, 10**30, -(10**30), 10**23)


def _numeric(annotation: Any) -> Iterator[type]:
    if annotation in (int, float):
        yield annotation
    for entry in get_args(annotation):
        yield from _numeric(entry)


FIELDS = [
    (model, name) for model in MODELS for name, field in model.model_fields.items() if set(_numeric(field.annotation))
]


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_no_setting_takes_a_number_beyond(model: type[BaseModel], name: str):
    for number in BEYOND:
        for value in (number, (number,), (number, number), {"swap": number}):
            with pytest.raises(ValidationError):
                model(**{**MODELS[model], name: value})


def test_there_are_such_settings():
    assert {"batch", "betas", "scales", "alpha", "swap_weight"} <= {name for _, name in FIELDS}


@given(st.integers(1, 65536), st.integers(16, 16384))
def test_no_machine_holds_a_batch_that_is_refused(batch: int, size: int):
    fits = batch * size**2 <= MOST_PIXELS
    refused = nullcontext() if fits else pytest.raises(ValidationError, match=f"got {batch} pairs of {size}×{size}")
    with refused:
        PretrainConfig(batch=batch, size=size)


@pytest.mark.parametrize("scales", [(1, 1e-9), tuple(1 / n for n in range(1, 300)), (1, 5e-324), (1, 1 / 65)])
def test_scales_are_few_and_not_tiny(scales: tuple[float, ...]):
    with pytest.raises(RequestError, match="expected at most 8, none below 1/64") as refusal:
        AdapterConfig().asked(None, None, scales)
    assert len(str(refusal.value)) < 200


def test_a_number_within_is_given_back():
    assert within("seed", 2**32 - 1, Seed) == 2**32 - 1
    assert limits(Seed) == {"min": 0, "max": 2**32 - 1}


@pytest.mark.parametrize("value", [-1, 2**32, 10**3000, math.nan])
def test_one_beyond_is_refused_by_its_name_in_a_short_line(value: float):
    with pytest.raises(RequestError, match=r"^seed: got ") as refusal:
        within("seed", value, Seed)
    assert len(str(refusal.value)) < 150


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e-9, 1.1])
def test_a_tolerance_that_is_no_number_is_refused(value: float):
    with pytest.raises(RequestError, match="tolerance"):
        within("tolerance", value, Tolerance)
