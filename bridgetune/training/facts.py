"""What a run decides and others will want to know: `config.json`, and the facts of the model card."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch

from bridgetune._version import __version__
from bridgetune.config import RECIPES, TrainConfig, TuneConfig
from bridgetune.metrics import HOMOGENEOUS, MapErrors
from bridgetune.runs.directory import Record
from bridgetune.training.engine import Engine
from bridgetune.training.stage_data import StageData, described
from bridgetune.wrapping import Adapter


def run_facts(
    stage: str, generator: Adapter, data: StageData, config: TrainConfig, steps: int, engine: Engine
) -> Record:
    """`config.json`, but for what stage 2 adds of its discriminators.

    Args:
        stage: `pretrain` or `finetune`.
        generator, data, config, engine: Of the run.
        steps: That it is to have.
    """
    return {
        "stage": stage,
        "config": config.model_dump(mode="json"),
        "recipe": RECIPES[config.recipe].model_dump(mode="json"),
        "steps": steps,
        "generator": {
            "origin": asdict(generator.origin),
            "adapter": generator.config.model_dump(mode="json"),
        },
        "pairs": data.decided(),
        "references": None if data.references is None else described(data.references),
        "device": str(engine.device),
        "processes": engine.processes,
        "versions": {
            "bridgetune": __version__,
            "torch": torch.__version__,
            "accelerate": version("accelerate"),
            "python": platform.python_version(),
        },
    }


def card_facts(decided: Record, config: TrainConfig, pairs: int, errors: MapErrors | None, step: int) -> dict[str, Any]:
    """What the model card tells.

    Args:
        decided: See `run_facts`.
        config: Of the run.
        pairs: How many it trains on.
        errors: On held-out pairs, where there are any.
        step: How many updates there have been.
    """
    facts: dict[str, Any] = {
        "stage": decided["stage"],
        "recipe": config.recipe,
        "updates": f"{step} of {config.batch} pairs, {config.size}×{config.size}",
        "learning rate": f"{config.learning_rate:g}, cosine to 0",
        "training pairs": pairs,
        "augmentation": config.augmentation,
        "seed": config.seed,
    }
    if isinstance(config, TuneConfig):
        facts |= _pulling(decided, config)
    if config.average:
        facts["weights"] = f"moving average, decay {config.average:g}"
    if errors is not None:
        facts["held-out map error"] = f"{errors.map_error:.2%}"
    if errors is not None and errors.homogeneous_pixels:
        facts[f"in homogeneous regions ({HOMOGENEOUS})"] = f"{errors.homogeneous_error:.2%}"
    return facts


def _pulling(decided: Record, config: TuneConfig) -> dict[str, Any]:
    """What pulls at the map beside the labels that there are."""
    if config.labelling is not None:
        judge = {"discriminator": decided["discriminator"]} if decided["discriminator"] else {}
        return {"labels of unlabelled pairs": f"{config.labelling}, weight {config.pseudo_weight:g}", **judge}
    if config.alpha == 0:
        return {"α": "0"}
    alpha = f"{config.alpha:g}" if config.alpha != "auto" else f"auto, share {config.adversarial_share:g}"
    return {"α": alpha, "discriminator": decided["discriminator"]}
