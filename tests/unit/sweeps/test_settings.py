"""A sweep's file: what it means, and how a wrong one is refused."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from bridgetune import RequestError
from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.cost import Cost, measure, open_backbone
from bridgetune.sweeps.gathering import alpha_tables, cost_table, gathered
from bridgetune.sweeps.plan import decided, label, planned, run_label
from bridgetune.sweeps.running import SweepResult
from bridgetune.sweeps.settings import Backbone, CostSettings, Data, Dataset, Sweep, alpha_name
from tests.support import ROOT
from tests.support.evaluations import evaluation

EXAMPLE = ROOT / "examples" / "sweep.toml"

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


def test_a_backbones_own_settings_come_first_and_others_are_the_papers(tmp_path: Path):
    sweep = read_sweep(written(tmp_path))
    stage1, stage2 = sweep.pretraining(sweep.backbones[0], 4), sweep.tuning(sweep.backbones[0], 4, 1e-5)
    assert stage1.duration.model_dump() == {"epochs": 2}
    assert (stage1.learning_rate, stage1.batch, stage1.seed) == (2e-3, 5, 4)
    assert (stage2.duration.model_dump(), stage2.batch, stage2.alpha) == ({"epochs": 50}, 16, 1e-5)


def test_paths_are_relative_to_the_file(tmp_path: Path):
    sweep = read_sweep(written(tmp_path))
    assert (sweep.data.images, sweep.data.clear) == (tmp_path / "photos", Path("/pictures/clear"))
    assert (sweep.datasets[0].sources, sweep.datasets[0].name) == (tmp_path / "sets" / "Lytro", "Lytro")


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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[data]", "[dat]", "dat: no such key; did you mean 'data'?"),
        ("seeds", "seedz", "seedz: no such key; did you mean 'seeds'?"),
        ("generator", "network", "backbones.0.network: no such key; "),
        ("[3, 4]", "[3, 3]", "seeds: 3 stands there twice; give each once"),
        ("[3, 4]", "[]", "seeds: got []; list should have at least 1 item"),
        ("[3, 4]", '["3"]', "seeds.0: got '3'; input should be a valid integer"),
        ("1e-5", "-1", "alphas.1: got -1; expected a number from 0 on, or 'auto'"),
        ("steps = 7", "steps = 0", "pretrain.steps: got 0; input should be greater than 0"),
        ("steps = 7", "steps = 7\nepochs = 1", "pretrain: expected steps or epochs, not both"),
        ("steps = 7", "seed = 7", "pretrain.seed: the sweep has seeds = […] at the top"),
        ("batch", "bach", "pretrain.bach: no such key; did you mean 'batch'?"),
        ("batch = 5", "batch = 5.5", "pretrain.batch: got 5.5; input should be a valid integer"),
        ("learning_rate", "learning", "backbones.pretrain.learning: no such key; did you mean 'learning_rate'?"),
        ('images = "photos"', "", "data: expected images and masks, or pairs, or demo = true"),
        ('images = "photos"', "demo = true", "data: demo = true brings all pictures; leave out blurred, clear, masks"),
        ('blurred = "blurred"', "", "data: expected both of blurred and clear"),
        ('sources = "sets/Lytro"', "", "datasets.0.name is missing"),
        (
            'sources = "sets/Lytro"',
            'name = "x"',
            "datasets.0: expected sources, a folder with A/ and B/, or demo",
        ),
        ("[pretrain]", "[[backbones]]\ngenerator = 'DRPL'\n[pretrain]", "backbones: two are called 'drpl'"),
        ("seeds =", "bridgetune = [false]\nseeds =", "alphas: without BridgeTune there is no α; leave them out"),
        ("[data]", "[data", "not a TOML file"),
    ],
)
def test_a_wrong_file_is_refused_in_a_line(tmp_path: Path, old: str, new: str, said: str):
    assert old in SWEEP
    path = written(tmp_path, SWEEP.replace(old, new))
    with pytest.raises(RequestError) as refusal:
        read_sweep(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_references_are_needed_for_bridgetune_alone(tmp_path: Path):
    without = SWEEP.replace('clear = "/pictures/clear"\nblurred = "blurred"\n', "")
    with pytest.raises(RequestError, match="BridgeTune needs references"):
        read_sweep(written(tmp_path, without))
    alone = without.replace("alphas = [1e-3, 1e-5]", "bridgetune = [false]")
    assert len(planned(read_sweep(written(tmp_path, alone)))) == 2


def test_alphas_are_written_as_in_the_paper():
    written_so = [alpha_name(alpha) for alpha in (0.0, 1e-5, 1e-4, 2.5e-3, 1e-1, 1.0, 10.0)]
    assert written_so == ["0", "1e-5", "1e-4", "2.5e-3", "1e-1", "1", "10"]


def test_the_example_is_a_sweep_as_the_readme_has_it():
    assert len(planned(read_sweep(EXAMPLE))) == 2 * 2 * (1 + 2)


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


def test_tables_have_mean_and_spread_over_seeds_and_tests_the_averaged_images(tmp_path: Path):
    result = swept(tmp_path)
    findings = gathered(result, ["q_mi"])
    assert findings is not None
    assert findings.comparison.methods == ["drpl", "drpl+BridgeTune", "msfin", "msfin+BridgeTune"]
    assert [(pair.before, pair.after) for pair in findings.comparison.pairs] == [
        ("drpl", "drpl+BridgeTune"),
        ("msfin", "msfin+BridgeTune"),
    ]
    runs = planned(result.sweep)
    tuned = [result.evaluations[run] for run in runs if (run.backbone.name, run.alpha) == ("drpl", 1e-3)]
    means = [one["MFFW"].mean["q_mi"] for one in tuned]
    (found,) = [scope for scope in findings.datasets if scope.scores.dataset == "MFFW"]
    assert found.before_after is not None
    cell = found.before_after.sections[0][1].cells[0]
    assert (cell.value, cell.spread) == (pytest.approx(statistics.fmean(means)), pytest.approx(statistics.stdev(means)))
    images = [one["MFFW"].images["03"]["q_mi"] for one in tuned]
    averaged = found.scores.of("q_mi")[1, found.scores.images.index("03")]
    assert averaged == pytest.approx(statistics.fmean(images))
    assert findings.overall is not None
    both = [statistics.fmean(one[name].mean["q_mi"] for name in ("Lytro", "MFFW")) for one in tuned]
    cell = findings.overall.table.sections[0][1].cells[0]
    assert (cell.value, cell.spread) == (pytest.approx(statistics.fmean(both)), pytest.approx(statistics.stdev(both)))
    assert "8 images; mean ± standard deviation over the seeds 3 and 4." in found.before_after.caption


def test_every_alpha_of_every_backbone_is_in_a_table_a_dataset(tmp_path: Path):
    tables = alpha_tables(swept(tmp_path))
    assert [table.name for table in tables] == ["alpha-lytro", "alpha-mffw"]
    assert [[row.labels for row in section] for section in tables[0].sections] == [
        [("drpl", "1e-3"), ("", "1e-5")],
        [("msfin", "1e-3"), ("", "1e-5")],
    ]
    assert [column.name for column in tables[0].columns] == ["qabf_weighted", "q_mi", "map_error"]


def test_what_is_missing_is_said(tmp_path: Path):
    findings = gathered(swept(tmp_path, missing=2))
    assert findings is not None
    assert "msfin+BridgeTune: 1 of 2 seeds are there; the others failed." in findings.comparison.notes
    (section,) = (section for section in findings.datasets[0].table.sections if len(section) > 1)
    assert [row.cells[0].spread is None for row in section] == [False, False, False, True]
    assert gathered(swept(tmp_path, missing=12)) is None
    assert alpha_tables(swept(tmp_path, missing=12)) == []


def test_flops_are_the_papers():
    """Table 6 has 140.49 G for DRPL, convolutions at full resolution: that is for 256×256, a multiply-add as two.

    Ours has 0.7 % less: it counts no biases and nothing that works element by element.
    """
    cost = measure(Backbone(generator="drpl", name="DRPL"), CostSettings(size=[32, 64], repeats=1))
    assert cost.parameters == 1_070_018
    assert cost.flops * (256 * 256) / (32 * 64) == pytest.approx(140.49e9, rel=0.01)


def test_the_table_of_costs_states_size_and_machine():
    cost = Cost(
        generator="drpl",
        options={},
        settings=CostSettings(size=[32, 48]),
        parameters=1_070_018,
        flops=1_500_000_000,
        seconds=[3.0, 1.0, 2.0],
        memory=3 << 20,
        machine="this machine",
    )
    made = cost_table({"DRPL": cost, "other": cost.model_copy(update={"memory": None})})
    assert made is not None
    assert [[cell.value for cell in row.cells] for row in made.sections[0]] == [
        [1.070018, 1.5, 2.0, 3.0],
        [1.070018, 1.5, 2.0, None],
    ]
    assert "one pair of 48×32 pixels" in made.caption
    assert made.caption.endswith("Measured on this machine.")
    assert cost_table({}) is None


def test_a_backbone_is_asked_as_the_sweep_says(tmp_path: Path):
    def backbone(**asked: bool) -> Backbone:
        return Backbone(generator="drpl", name="DRPL", options={"width": 8, "blocks": 1}, **asked)

    assert not open_backbone(backbone()).config.symmetric
    both = open_backbone(backbone(symmetric=True, mirrored=True))
    assert both.config.symmetric
    assert both.config.mirrored

    settings = CostSettings(size=[32, 32], repeats=1)
    once, twice = (measure(one, settings) for one in (backbone(), backbone(symmetric=True)))
    assert twice.flops == 2 * once.flops
    assert twice.parameters == once.parameters


def test_how_a_backbone_is_asked_decides_its_runs():
    data, datasets = Data(demo=True), [Dataset(demo=True, name="Demo")]
    plain, symmetric = (
        Sweep(backbones=[Backbone(generator="drpl", name="DRPL", **asked)], data=data, datasets=datasets)
        for asked in ({}, {"symmetric": True})
    )
    facts = [decided(sweep, planned(sweep)[0])["backbone"] for sweep in (plain, symmetric)]
    assert facts[0] == {"generator": "drpl", "weights": None, "options": {}}
    assert facts[1] == {**facts[0], "symmetric": True}
