"""What a sweep needs, looked at before its first run: pictures, networks, and a place of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridgetune.errors import BridgetuneError, RequestError
from bridgetune.evaluation.dataset import find_dataset
from bridgetune.evaluation.places import check_place
from bridgetune.paths import is_folder, is_there, shown
from bridgetune.runs.report import REPORT
from bridgetune.sweeps.cost import open_backbone
from bridgetune.sweeps.plan import Run, RunFiles, refuse_changed
from bridgetune.sweeps.settings import Backbone, Sweep
from bridgetune.sweeps.training_data import TrainingData


def check(sweep: Sweep, runs: Sequence[Run], data: TrainingData, out: Path, trust: bool) -> None:
    """Find out now what would be found out after hours.

    Raises:
        RequestError: One line for the first thing that is wrong.
    """
    check_place(out, force=True)
    if is_there(out / REPORT) and not any(is_there(RunFiles(out / run.folder).path) for run in runs):
        raise RequestError(f"{shown(out / REPORT)}: is of something else; name another folder for the sweep")
    refuse_changed(sweep, runs, out)
    for dataset in sweep.datasets:
        if dataset.sources is not None:
            find_dataset(dataset.sources)
    for backbone in sweep.backbones:
        _check_backbone(backbone, trust)
    for run in runs:
        if run.seed is None or RunFiles(out / run.folder).is_trained:
            continue
        backbone = run.backbone
        if run.alpha is not None:
            config: Any = sweep.tuning(backbone, run.seed, run.alpha)
            data.references(config)
        else:
            config = sweep.pretraining(backbone, run.seed)
        data.pairs(config)
        data.held_out(config)


def _check_backbone(backbone: Backbone, trust: bool) -> None:
    if backbone.options and (":" in backbone.generator or is_folder(backbone.generator)):
        raise RequestError(
            f"backbone {backbone.name}: options are for a plugin's network, not {backbone.generator}; leave them out"
        )
    try:
        open_backbone(backbone, trust=trust)
    except BridgetuneError as error:
        raise RequestError(f"backbone {backbone.name}: {error}") from error
