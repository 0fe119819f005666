"""`bridgetune compare` and `bridgetune panels` as a user runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bridgetune import create
from bridgetune.cli import main
from bridgetune.data import image_size, read_image, write_image
from tests.support.commands import refused, run, succeeds
from tests.support.evaluations import evaluation
from tests.support.small import Folders


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluations")
    for dataset, images in (("Lytro", 8), ("MFI-WHU", 12)):
        for place, method in enumerate(("DRPL", "DRPL+BridgeTune", "MSFIN")):
            one = evaluation(method, 0.01 * place, dataset=dataset, images=images)
            one.write(folder / f"{dataset}-{place}.json")
    return folder


@pytest.mark.slow
def test_a_report_with_all_it_links(evaluations: Path, tmp_path: Path):
    told = succeeds("compare", evaluations, "--out", tmp_path / "out")
    assert "Mean scores on Lytro, 8 images." in told
    assert "MSFIN ranks best" in told
    report = (tmp_path / "out" / "report.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", report)
    assert len(links) > 20
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert set(links) <= written
    kinds = ("scores", "image-ranks", "before-after")
    scopes = ("lytro", "mfi-whu", "overall")
    tables = {"ranks", *(f"{kind}-{scope}" for kind in kinds for scope in scopes)}
    assert {path.stem for path in (tmp_path / "out" / "tables").iterdir()} == tables
    figures = {path.stem for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"critical-difference-overall", "stability-lytro", "bars-overall", "before-after-1-mfi-whu"} <= figures


def test_without_a_folder_nothing_is_written_and_json_has_it_all(evaluations: Path, tmp_path: Path):
    before = sorted(tmp_path.iterdir())
    document = json.loads(
        succeeds("compare", evaluations, "--json", "--metric", "q_mi", "--before", "DRPL", "--after", "MSFIN")
    )
    assert document["metrics"].keys() == {"q_mi"}
    assert document["files"] == []
    assert document["datasets"]["Lytro"]["before_after"][0]["after"] == "MSFIN"
    assert sorted(tmp_path.iterdir()) == before


def test_wrong_requests_are_refused_and_nothing_is_written(evaluations: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert "expected two methods" in refused("compare", evaluations / "Lytro-0.json", "--out", out)
    assert "did you mean 'DRPL'" in refused("compare", evaluations, "--proposed", "DPRL", "--out", out)
    assert "no such file" in refused("compare", tmp_path / "gone.json", "--out", out)
    (tmp_path / "bad.json").write_text("{}")
    assert "bad.json: not an evaluation" in refused("compare", evaluations, tmp_path / "bad.json", "--out", out)
    assert not out.exists()
    (tmp_path / "file").write_text("")
    assert "is a file" in refused("compare", evaluations, "--out", tmp_path / "file")


def test_numbers_are_whole_however_narrow_the_terminal(evaluations: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "30")
    assert "…" not in run("compare", evaluations).stdout


@pytest.mark.slow
def test_panels_of_two_generators(folders: Folders, tmp_path: Path):
    for stem in ("1", "2"):
        pixels = read_image(folders.images / f"{stem}.png").pixels
        write_image(tmp_path / "in" / "A" / f"{stem}.png", pixels)
        write_image(tmp_path / "in" / "B" / f"{stem}.png", 255 - pixels)
    for name in ("one", "two"):
        create("bridgemff", weights=None).save_pretrained(tmp_path / name / "generator")
    given = ["panels", "--sources", tmp_path / "in", "--out", tmp_path / "panels.png"]
    both = ["--generator", tmp_path / "one" / "generator", "--generator", tmp_path / "two" / "generator"]
    told = succeeds(*given, *both, "--images", "2", "--layers", "body.encoder.0", "--width", 100)
    assert told == f"1 pair in {tmp_path / 'panels.png'}\n"
    # two sources, two maps, two heat maps and one fused image, 8 apart
    assert image_size(tmp_path / "panels.png")[1] == 7 * (100 + 8) + 8

    out = ["panels", "--sources", tmp_path / "in", "--out", tmp_path / "none.png"]
    assert "tell them apart by --label" in refused(*out, *both[:2], *both[:2])
    assert "--label: given 1 times for 2 generators" in refused(*out, *both, "--label", "x")
    assert "layer 'nope': no such layer; name one of body" in refused(*out, *both, "--layers", "nope")
    assert "has no pair '3'" in refused(*out, *both, "--images", "3")
    assert not (tmp_path / "none.png").exists()


ROSTER = """
workers = 1

[[datasets]]
name = "Pair"
sources = "pairs"

[[methods]]
name = "pyramid"
generator = "laplacian-pyramid"

[[methods]]
name = "first"
fused = "pairs/A"

[[methods]]
name = "gone"
fused = "results/{dataset}/gone"

[[published]]
title = "Table 1"
dataset = "Pair"
metrics = ["q_mi"]

[published.scores]
"pyramid" = [0.5]
"gone" = [0.6]
"""


def test_a_file_of_methods_is_evaluated_and_what_was_published_stands_beside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bridgetune.evaluation.write_up._figures", lambda findings: iter(()))  # they take seconds
    for seed, place in enumerate(("A/1", "A/2", "B/1", "B/2")):
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        write_image(tmp_path / "pairs" / f"{place}.png", pixels)
    (tmp_path / "roster.toml").write_text(ROSTER, encoding="utf-8")
    asked = ["compare", "--methods", str(tmp_path / "roster.toml"), "--metric", "q_mi"]
    with pytest.raises(SystemExit) as ended:
        main([*asked, "--out", str(tmp_path / "out")])
    assert not ended.value.code
    assert "gone is left out on Pair: " in " ".join(capsys.readouterr().out.split())
    report = (tmp_path / "out" / "report.md").read_text("utf-8")
    assert "## The methods" in report
    assert "## Table 1, published and here" in report
    assert (tmp_path / "out" / "tables" / "published-table-1-pair.csv").is_file()
    with pytest.raises(SystemExit, match="2"):
        main(asked)
    assert "--methods: expected --out DIR, where its evaluations are kept" in capsys.readouterr().err
