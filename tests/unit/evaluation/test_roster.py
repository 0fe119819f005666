"""The file that says what is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune.errors import RequestError
from bridgetune.evaluation.roster import Roster, read_roster
from tests.support import ROOT

SMALL = """
[[datasets]]
name = "Lytro"
sources = "lytro"

[[methods]]
name = "GACN"
generator = "gacn"
weights = "weights/GACN.pkl"
smooth = ["paper"]

[[methods]]
name = "U2Fusion"
fused = "results/{dataset}/U2Fusion"

[[methods]]
name = "mine"
generator = "runs/mine"

[[published]]
title = "Table 1"
dataset = "Lytro"
metrics = ["q_mi", "q_cb"]

[published.scores]
"GACN" = [1.1334, 0.8024]
"""


def read(folder: Path, text: str = SMALL) -> Roster:
    (folder / "roster.toml").write_text(text, encoding="utf-8")
    return read_roster(folder / "roster.toml")


def test_paths_are_relative_to_the_file_and_names_stay_names(tmp_path: Path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    roster = read(tmp_path)
    gacn, saved, mine = roster.methods
    assert roster.datasets[0].sources == tmp_path / "lytro"
    assert (gacn.generator, gacn.weights) == ("gacn", tmp_path / "weights" / "GACN.pkl")
    assert saved.saved_results("Lytro") == tmp_path / "results" / "Lytro" / "U2Fusion"
    assert mine.generator == str(tmp_path / "runs" / "mine")
    assert gacn.saved_results("Lytro") is None


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        (
            'generator = "gacn"',
            'generator = "gacn"\nfused = "x"',
            "GACN: expected generator, what makes its results, or",
        ),
        ('fused = "results/{dataset}/U2Fusion"', "", "U2Fusion: expected generator, what makes its results, or fused"),
        ('fused = "results', 'recipe = "own"\nfused = "results', "U2Fusion: recipe is for a generator"),
        ('name = "U2Fusion"', 'name = "GACN"', "methods: two are called 'GACN'; give each its own name"),
        ('smooth = ["paper"]', 'smoth = ["paper"]', "smoth: no such key; did you mean 'smooth'?"),
        ('smooth = ["paper"]', 'smooth = ["papr"]', "got 'papr'"),
        ('dataset = "Lytro"', 'dataset = "Lytra"', "Table 1 is about 'Lytra', which is none of the datasets"),
        ("[1.1334, 0.8024]", "[1.1334]", "GACN: got 1 scores for 2 metrics"),
        ("[[datasets]]", "[[dataset]]", "dataset: no such key; did you mean 'datasets'?"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_that_names_the_file(tmp_path: Path, line: str, instead: str, said: str):
    assert line in SMALL
    with pytest.raises(RequestError) as refused:
        read(tmp_path, SMALL.replace(line, instead, 1))
    assert str(tmp_path / "roster.toml") in str(refused.value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_papers_tables_are_an_example_of_one():
    roster = read_roster(ROOT / "examples" / "paper_tables.toml")
    lytro, whu = roster.published
    assert set(lytro.scores) == set(whu.scores)
    assert len(lytro.scores) == 15  # of the paper's Table 7
    assert set(lytro.scores) <= {method.name for method in roster.methods}
    assert lytro.scores["BridgeMFF"][0] == 0.7586
    assert whu.scores["ZMFF"][-1] == 0.6732
