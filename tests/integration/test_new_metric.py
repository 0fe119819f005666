"""A fusion metric that is registered in this file alone is known everywhere; so is one of any other kind."""

from __future__ import annotations

import csv
import dataclasses
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bridgetune import Adapter, RequestError, metrics
from bridgetune.cli import main
from bridgetune.data import write_image
from bridgetune.evaluation import Evaluation, evaluate
from bridgetune.metrics import FUSION_METRICS, METRICS, Metric, ScoredImages, ScoredMap, SourcePair, classes, register
from tests.support import ROOT
from tests.support.triples import triple

pytestmark = pytest.mark.usefixtures("logging_as_it_was")

NAME = "nearer_difference"


def nearer_difference(images: ScoredImages) -> Tensor:
    """Mean absolute difference to the nearer source, in gray levels."""
    apart = [(source.levels - images.fused.levels).abs() for source in (images.first, images.second)]
    return torch.minimum(*apart).mean((1, 2))


METRIC = Metric(
    NAME,
    "nearer difference",
    False,
    "fusion",
    "this test",
    "mean absolute difference to the nearer source",
    nearer_difference,
    unit="levels",
)


@pytest.fixture
def registered() -> Iterator[None]:
    register(METRIC)
    yield
    del METRICS[NAME]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two pairs of flat images, 100 and 200, whose fusions are at 110 and 185: differences of 10 and 15."""
    for stem, level in (("1", 110), ("2", 185)):
        for folder, gray in (("A", 100), ("B", 200), ("fused", level)):
            write_image(tmp_path / "d" / folder / f"{stem}.png", np.full((16, 20), gray, np.uint8))
    return tmp_path / "d"


def said(*arguments: object, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints, in this process, where the metric is registered."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert not ended.value.code
    return capsys.readouterr().out


@pytest.mark.usefixtures("registered")
def test_it_is_a_function_a_score_and_a_class():
    first, second, fused = triple()
    expected = SourcePair(first, second).score(fused)[NAME]
    assert expected.shape == (2,)
    assert torch.equal(metrics.nearer_difference(first, second, fused), expected)
    assert metrics.nearer_difference.__doc__ == nearer_difference.__doc__
    assert NAME in dir(metrics)
    assert list(FUSION_METRICS)[-1] == NAME

    single = classes.NearerDifference()
    single.update(first, second, fused)
    assert torch.equal(single.compute(), expected.mean())
    assert single.higher_is_better is False
    assert torch.equal(pickle.loads(pickle.dumps(single)).compute(), expected.mean())
    together = classes.FusionScores()
    together.update(first, second, fused)
    assert torch.equal(together.compute()[NAME], expected.mean())


@pytest.mark.usefixtures("registered")
def test_it_is_in_documents_tables_and_help(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, table = tmp_path / "e" / "ours.json", tmp_path / "e.csv"
    command = ["evaluate", "--sources", dataset, "--fused", dataset / "fused", "--workers", 1]
    shown = said(*command, "--out", out, "--csv", table, capsys=capsys)
    document = json.loads(out.read_text())
    assert [scores[NAME] for scores in document["images"].values()] == [10, 15]
    assert document["metrics"][NAME] == {"higher_is_better": False, "title": "nearer difference", "unit": "levels"}
    assert document["definitions"][NAME] == "mean absolute difference to the nearer source (this test)"
    assert re.search(r"nearer.*difference.*\(levels\) ↓", shown, re.DOTALL)
    assert "12.5000" in shown
    with table.open() as file:
        assert [row[NAME] for row in csv.DictReader(file)] == ["10.0", "15.0", "12.5"]

    other = Evaluation.read(out).model_copy(update={"method": "theirs"})
    other.write(out.with_name("theirs.json"))
    compared = said("compare", out.parent, "--metric", NAME, capsys=capsys)
    assert "nearer difference (levels) ↓" in compared
    assert "12.5000" in compared

    assert (
        f"| `{NAME}` | lower | mean absolute difference to the nearer source | the sources |" in metrics.metric_table()
    )
    for verb in ("compare", "evaluate"):
        assert NAME in said(verb, "--help", capsys=capsys)


def test_when_it_is_taken_out_again_nothing_knows_it():
    assert NAME not in METRICS
    assert NAME not in FUSION_METRICS
    assert NAME not in metrics.metric_table()
    for place, name in ((metrics, NAME), (classes, "NearerDifference")):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(place, name)


@pytest.mark.usefixtures("registered")
def test_processes_measure_it_too(dataset: Path):
    target = dataclasses.replace(METRIC, name="by_name", function="tests.integration.test_new_metric:nearer_difference")
    register(target)
    try:
        result = evaluate(dataset, fused=dataset / "fused", workers=2)
    finally:
        del METRICS["by_name"]
    assert [scores[NAME] for scores in result.images.values()] == [10, 15]
    assert result.mean["by_name"] == 12.5


def test_what_processes_cannot_be_sent_is_refused_in_a_line(dataset: Path):
    register(dataclasses.replace(METRIC, function=lambda images: nearer_difference(images)))
    try:
        with pytest.raises(RequestError, match="nearer_difference: its function cannot be sent"):
            evaluate(dataset, fused=dataset / "fused", workers=2)
        assert evaluate(dataset, fused=dataset / "fused", workers=1).mean[NAME] == 12.5
    finally:
        del METRICS[NAME]


def first_share(scored: ScoredMap) -> float:
    """Share of pixels that are the first image's, in the decision."""
    return float((scored.decision >= 0.5).double().mean())


def test_other_kinds_are_measured_where_what_they_need_is_there(dataset: Path, generator: Adapter):
    new = {
        "first_share": ("map", first_share),
        "total_swap": ("consistency", lambda decision, swapped: (decision + swapped).mean((1, 2, 3))),
        "brighter": ("reference", lambda fused, clear: (fused.double() - clear.double()).mean((1, 2, 3))),
    }
    for folder, level in (("mask", 255), ("clear", 100)):
        for stem in ("1", "2"):
            write_image(dataset / folder / f"{stem}.png", np.full((16, 20), level, np.uint8))
    for name, (kind, function) in new.items():
        register(Metric(name, name.replace("_", " "), True, kind, "this test", "a test's", function))  # type: ignore[arg-type]
    try:
        made = evaluate(dataset, generator=generator)
        saved = evaluate(dataset, fused=dataset / "fused", workers=1)
    finally:
        for name in new:
            del METRICS[name]
    assert new.keys() <= made.mean.keys()
    assert 0 <= made.images["1"]["first_share"] <= 1  # type: ignore[operator]
    assert saved.metrics.keys() & new.keys() == {"brighter"}
    assert saved.mean["brighter"] == (10 + 85) / 2
    assert saved.definitions["brighter"] == "a test's (this test)"


def test_help_that_names_metrics_imports_no_torch():
    code = (
        "import sys\nfrom bridgetune.cli import main\n"
        "try:\n    main(['compare', '--help'])\nexcept SystemExit:\n    print('torch' in sys.modules, file=sys.stderr)"
    )
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "q_cb" in finished.stdout
    assert finished.stderr.split() == ["False"]
