"""Which runs a sweep has, and what decided them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridgetune import RequestError
from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.plan import Run, RunFiles, decided, label, planned, refuse_changed
from bridgetune.sweeps.settings import Backbone, Data, Dataset, Sweep
from tests.support.sweeps import SWEEP, written

DEMO: dict[str, Any] = {
    "backbones": [{"generator": "drpl"}],
    "data": {"demo": True},
    "datasets": [{"demo": True}],
    "finetune": {"batch": 2},
}
LATER = {"pretrain": ("patience",), "finetune": ("patience", "term_weights")}
"""Settings that the runs on disk are from before."""


@pytest.fixture
def begun(tmp_path: Path) -> list[Run]:
    """The runs of DEMO, each with the settings that were all there were when it was begun."""
    sweep = Sweep(**DEMO)
    runs = planned(sweep)
    for run in runs:
        facts = decided(sweep, run)
        for stage in LATER.keys() & facts.keys():
            facts[stage] = {name: value for name, value in facts[stage].items() if name not in LATER[stage]}
        files = RunFiles(tmp_path / run.folder)
        files.path.mkdir(parents=True)
        files.decided.write_text(json.dumps(facts))
    return runs


def test_a_sweep_is_one_stage_1_a_backbone_and_seed_and_one_stage_2_an_alpha(tmp_path: Path):
    sweep = read_sweep(written(tmp_path))
    assert [run.folder.as_posix() for run in planned(sweep)] == [
        f"runs/drpl/seed-{seed}/{stage}"
        for seed in (3, 4)
        for stage in ("supervised", "bridgetune-alpha-1e-3", "bridgetune-alpha-1e-5")
    ]
    assert [label(run, sweep.alphas) for run in planned(sweep)[:3]] == [
        "drpl",
        "drpl+BridgeTune",
        "drpl+BridgeTune, α 1e-5",
    ]


def test_without_the_untuned_networks_stage_1_is_trained_and_not_evaluated(tmp_path: Path):
    runs = planned(read_sweep(written(tmp_path, "bridgetune = [true]\n" + SWEEP)))
    assert [run.measured for run in runs] == [False, True, True] * 2


def test_a_product_depends_on_its_own_settings_alone(tmp_path: Path):
    """More seeds, α or backbones, other references for stage 1, other datasets: what is there stays right."""
    first = read_sweep(written(tmp_path))
    others = (
        SWEEP.replace("[3, 4]", "[3, 4, 5]").replace("1e-5]", "1e-5, 1e-2]").replace("Lytro", "MFFW")
        + "workers = 0\n[[backbones]]\ngenerator = 'msfin'\n[cost]\nrepeats = 1\n"
    )
    more = read_sweep(written(tmp_path, others))
    known = {run.folder: decided(more, run) for run in planned(more)}
    for run in planned(first):
        assert known[run.folder] == decided(first, run)
    stage1, stage2 = planned(first)[:2]
    moved = read_sweep(written(tmp_path, SWEEP.replace("/pictures/clear", "/elsewhere")))
    assert decided(moved, stage1) == decided(first, stage1)
    assert decided(moved, stage2) != decided(first, stage2)


def test_how_a_backbone_is_asked_decides_its_runs():
    data, datasets = Data(demo=True), [Dataset(demo=True, name="Demo")]
    sweeps = [
        Sweep(backbones=[Backbone(generator="drpl", name="DRPL", **asked)], data=data, datasets=datasets)
        for asked in ({}, {"symmetric": True}, {"scales": [1, 0.5]})
    ]
    facts = [decided(sweep, planned(sweep)[0])["backbone"] for sweep in sweeps]
    assert facts[0] == {"generator": "drpl", "weights": None, "options": {}}
    assert facts[1] == {**facts[0], "symmetric": True}
    assert facts[2] == {**facts[0], "scales": [1, 0.5]}


def test_runs_from_before_a_setting_are_those_of_its_default(begun: list[Run], tmp_path: Path):
    sweep = Sweep(**DEMO)
    assert [run.alpha for run in begun] == [None, 1e-4]
    refuse_changed(sweep, begun, tmp_path)
    for run in begun:
        assert RunFiles(tmp_path / run.folder).earlier() == decided(sweep, run), "goes on; is not made anew"


def test_runs_from_before_a_setting_are_refused_at_another_value(begun: list[Run], tmp_path: Path):
    other = Sweep(**DEMO, pretrain={"patience": 4})
    with pytest.raises(RequestError, match=r"made with pretrain\.patience=0, the sweep now has 4"):
        refuse_changed(other, begun, tmp_path)


def test_a_run_that_was_not_begun_was_decided_by_nothing(tmp_path: Path):
    assert RunFiles(tmp_path).earlier() is None
