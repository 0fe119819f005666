"""`bridgetune report` on runs that were trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridgetune import Adapter, PretrainConfig, Steps, TuneConfig, finetune, pretrain
from bridgetune.data import References, SyntheticPairs
from tests.support.commands import refused, run, succeeds
from tests.support.small import SIDE

PICTURES = {"losses.png", "discriminators.png", "map-error.png", "gradients.png"}


@pytest.fixture
def tuned(generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path) -> Path:
    config = TuneConfig(duration=Steps(steps=4), batch=2, size=SIDE, workers=0, device="cpu", validate_every=2)
    finetune(generator, pairs, references, config, run_dir=tmp_path / "tuned")
    return tmp_path / "tuned"


def test_a_tuned_generators_report(tuned: Path):
    told = succeeds("report", tuned)
    assert "finetune: finished, 4 of 4 steps" in told
    assert str(tuned / "report.md") in told
    assert {path.name for path in (tuned / "figures").iterdir()} == PICTURES
    report = (tuned / "report.md").read_text()
    lines = (tuned / "metrics.jsonl").read_text().splitlines()
    errors = [record["map_error"] for record in map(json.loads, lines) if "map_error" in record]
    assert f"{errors[0]:.2%} at step 0, {errors[-1]:.2%} at step 4" in report
    assert "SyntheticPairs" in report


def test_json_is_one_document(tuned: Path):
    finished = run("report", tuned, "--json")
    document = json.loads(finished.stdout)
    assert (document["stage"], document["state"], document["steps_done"]) == ("finetune", "finished", 4)
    assert document["best_step"] in (0, 2, 4)
    assert document["losses"].keys() >= {"loss", "focal", "dice", "adversarial_clear", "discriminator_blurred"}
    assert len(document["files"]) == 2 + len(PICTURES)


def test_stage_1_too(generator: Adapter, pairs: SyntheticPairs, tmp_path: Path):
    config = PretrainConfig(duration=Steps(steps=2), batch=2, size=SIDE, workers=0, device="cpu")
    pretrain(generator, pairs, config, run_dir=tmp_path / "run")
    succeeds("report", tmp_path / "run")
    drawn = {path.name for path in (tmp_path / "run" / "figures").iterdir()}
    assert drawn == PICTURES - {"discriminators.png"}


def test_a_folder_that_is_no_run_is_refused(tuned: Path):
    assert "no such folder" in refused("report", tuned / "gone")
    assert f"did you mean {tuned}?" in refused("report", tuned.parent)
    assert "says nothing of a stage" in refused("report", tuned / "generator", "--json")
    assert not (tuned.parent / "report.md").exists()
    assert not (tuned / "generator" / "report.md").exists()
