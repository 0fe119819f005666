"""A sweep's file read, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune import RequestError
from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.plan import planned
from tests.support import ROOT
from tests.support.sweeps import SWEEP, written

EXAMPLE = ROOT / "examples" / "sweep.toml"


def test_paths_are_relative_to_the_file(tmp_path: Path):
    sweep = read_sweep(written(tmp_path))
    assert (sweep.data.images, sweep.data.clear) == (tmp_path / "photos", Path("/pictures/clear"))
    assert (sweep.datasets[0].sources, sweep.datasets[0].name) == (tmp_path / "sets" / "Lytro", "Lytro")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[data]", "[dat]", "dat: no such key; did you mean 'data'?"),
        ("seeds", "seedz", "seedz: no such key; did you mean 'seeds'?"),
        ("generator", "network", "backbones.0.network: no such key; "),
        ("[3, 4]", "[3, 3]", "seeds: 3 stands there twice; give each once"),
        ("[3, 4]", "[]", "seeds: got []; list should have at least 1 item"),
        ("[3, 4]", '["3"]', "seeds.0: got '3'; input should be a valid integer"),
        ("1e-5", "-1", "alphas.1: got -1; expected a number from 0 to 1000000, or 'auto'"),
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


def test_the_example_is_a_sweep_as_the_readme_has_it():
    assert len(planned(read_sweep(EXAMPLE))) == 2 * 2 * (1 + 2)
