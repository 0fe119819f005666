"""What a sweep's settings mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune.config import PretrainConfig, TrainConfig, TuneConfig
from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.settings import Sweep, alpha_name
from tests.support.sweeps import written


def test_a_backbones_own_settings_come_first_and_others_are_the_papers(tmp_path: Path):
    sweep = read_sweep(written(tmp_path))
    stage1, stage2 = sweep.pretraining(sweep.backbones[0], 4), sweep.tuning(sweep.backbones[0], 4, 1e-5)
    assert stage1.duration.model_dump() == {"epochs": 2}
    assert (stage1.learning_rate, stage1.batch, stage1.seed) == (2e-3, 5, 4)
    assert (stage2.duration.model_dump(), stage2.batch, stage2.alpha) == ({"epochs": 50}, 16, 1e-5)


def test_alphas_are_written_as_in_the_paper():
    written_so = [alpha_name(alpha) for alpha in (0.0, 1e-5, 1e-4, 2.5e-3, 1e-1, 1.0, 10.0)]
    assert written_so == ["0", "1e-5", "1e-4", "2.5e-3", "1e-1", "1", "10"]


@pytest.mark.parametrize(("stage", "model"), [("pretrain", PretrainConfig), ("finetune", TuneConfig)])
def test_every_setting_of_a_stage_is_a_key_of_its_table(stage: str, model: type[TrainConfig]):
    elsewhere = {"duration", "seed", "alpha"}  # steps and epochs; and what a sweep varies
    given = {name: value for name, value in model().model_dump(mode="json").items() if name not in elsewhere}
    assert {"betas", "kernel_sizes", "average"} <= given.keys()
    data = {"backbones": [{"generator": "drpl"}], "data": {"demo": True}, "datasets": [{"demo": True}]}
    sweep = Sweep.model_validate({**data, stage: {**given, "batch": 5, "epochs": 7}})
    (backbone,) = sweep.backbones
    found = sweep.pretraining(backbone, 0) if stage == "pretrain" else sweep.tuning(backbone, 0, 1e-4)
    assert found == model(batch=5, duration={"epochs": 7})
