"""Runs as they lie on disk, made from numbers: no network is trained."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from bridgetune.runs.directory import Record, RunDirectory

Written = Callable[..., RunDirectory]


def step_record(step: int, **changes: Any) -> Record:
    """A step of stage 2 as the loop records it: λ = 20, α = 0.01, and both discriminators at 2.08 and above."""
    record = {
        "step": step,
        "steps": 100,
        "learning_rate": 6e-4,
        "discriminator_clear": 3 * math.log(2),
        "gradient_discriminator_clear": 10.0,
        "discriminator_blurred": 2.5,
        "gradient_discriminator_blurred": 12.0,
        "loss": 0.43 + 0.1 / step,
        "supervised": 0.40 + 0.1 / step,
        "focal": 0.01,
        "dice": 0.2 + 0.1 / step,
        "adversarial": 3.0,
        "adversarial_clear": 1.4,
        "adversarial_blurred": 1.6,
        "gradient_generator": 5.0,
        "seconds": 0.5,
    }
    return record | changes


def validation(step: int, error: float | None, homogeneous: float | None = None) -> Record:
    """A validation as the loop records it."""
    return {"step": step, "map_error": error, "homogeneous_error": homogeneous, "homogeneous_share": 0.1}


def decided(steps: int = 100, stage: str = "finetune", **config: Any) -> dict[str, Any]:
    """What a run's `config.json` says; settings of None are left out."""
    settings = {"recipe": "paper", "batch": 4, "size": 32, "learning_rate": 6e-4, "seed": 0, "alpha": 0.01} | config
    return {
        "stage": stage,
        "steps": steps,
        "config": {name: value for name, value in settings.items() if value is not None},
        "recipe": {"focal_weight_pretrain": 20.0, "focal_weight_finetune": 20.0},
        "generator": {
            "origin": {"generator": "mynet", "distribution": "bridgetune-mynet", "version": "1.0"},
            "adapter": {},
        },
        "pairs": {"training": 95, "validation": 5, "source": "SyntheticPairs('photos', 100 scenes)"},
        "references": "References('clear', 'blurred')",
        "device": "cpu",
        "versions": {"bridgetune": "0.1.0", "torch": "2.13.0"},
    }


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a run's folder from its records."""

    def write(
        records: Iterable[Record], *, steps: int = 100, stage: str = "finetune", tail: str = "", **config: Any
    ) -> RunDirectory:
        run = RunDirectory(tmp_path / "run")
        run.path.mkdir(exist_ok=True)
        run.config.write_text(json.dumps(decided(steps, stage, **config)))
        run.metrics.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
        return run

    return write
