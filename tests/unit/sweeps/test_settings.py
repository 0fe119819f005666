"""What a sweep's settings mean."""

from __future__ import annotations

from pathlib import Path

from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.settings import alpha_name
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
