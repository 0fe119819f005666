"""What a sweep is written as, and the results of one without training."""

from __future__ import annotations

from pathlib import Path

from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.plan import planned, run_label
from bridgetune.sweeps.running import SweepResult
from tests.support.evaluations import evaluation

SWEEP = """
alphas = [1e-3, 1e-5]
seeds = [3, 4]

[[backbones]]
generator = "drpl"
pretrain = { learning_rate = 2e-3, epochs = 2 }

[data]
images = "photos"
masks = "masks"
clear = "/pictures/clear"
blurred = "blurred"

[[datasets]]
sources = "sets/Lytro"

[pretrain]
steps = 7
batch = 5
"""


def written(folder: Path, text: str = SWEEP) -> Path:
    (folder / "sweep.toml").write_text(text)
    return folder / "sweep.toml"


def swept(folder: Path, missing: int = 0) -> SweepResult:
    """A sweep of two backbones, two seeds, two α and two datasets with made-up scores, without some last runs."""
    text = SWEEP.replace("[data]", "[[backbones]]\ngenerator = 'msfin'\n[data]")
    sweep = read_sweep(written(folder, text.replace("[pretrain]", "[[datasets]]\nsources = 'MFFW'\n[pretrain]")))
    runs = planned(sweep)
    result = SweepResult(sweep, folder)
    for number, run in enumerate(runs[: len(runs) - missing]):
        result.evaluations[run] = {
            dataset.name: evaluation(run_label(run, sweep.alphas), 0.01 * number, dataset=dataset.name)
            for dataset in sweep.datasets
        }
    return result
