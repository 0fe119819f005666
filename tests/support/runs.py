"""Short runs of either stage, and what they leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bridgetune import Adapter, PretrainConfig, Steps, TuneConfig
from tests.support.small import SIDE

QUICK: dict[str, Any] = {"batch": 4, "size": SIDE, "workers": 0, "device": "cpu", "validate_every": 5}


def stage1(steps: int = 6, **changes: Any) -> PretrainConfig:
    return PretrainConfig(**{**QUICK, "duration": Steps(steps=steps), "checkpoint_every": 2, **changes})


def stage2(steps: int = 6, **changes: Any) -> TuneConfig:
    return TuneConfig(**{**QUICK, "duration": Steps(steps=steps), "checkpoint_every": 2, **changes})


def records(run: Path) -> list[dict[str, Any]]:
    """What `metrics.jsonl` tells so far, of a run that may be under way: without a line that is not whole yet."""
    metrics = run / "metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True) if metrics.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def losses(run: Path) -> list[dict[str, float]]:
    """The training records without the clock."""
    return [
        {name: value for name, value in record.items() if name != "seconds"}
        for record in records(run)
        if "learning_rate" in record
    ]


def weights(generator: Adapter) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in generator.unwrap().state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
