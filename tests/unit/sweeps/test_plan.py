"""Which runs a sweep has, and what decided them."""

from __future__ import annotations

from pathlib import Path

from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.plan import decided, label, planned
from bridgetune.sweeps.settings import Backbone, Data, Dataset, Sweep
from tests.support.sweeps import SWEEP, written


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
    plain, symmetric = (
        Sweep(backbones=[Backbone(generator="drpl", name="DRPL", **asked)], data=data, datasets=datasets)
        for asked in ({}, {"symmetric": True})
    )
    facts = [decided(sweep, planned(sweep)[0])["backbone"] for sweep in (plain, symmetric)]
    assert facts[0] == {"generator": "drpl", "weights": None, "options": {}}
    assert facts[1] == {**facts[0], "symmetric": True}
