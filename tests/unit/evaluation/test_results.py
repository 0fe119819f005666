"""The document of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridgetune import RequestError
from bridgetune.evaluation import Evaluation, MetricInfo
from tests.support.evaluations import evaluation

GAPPY = Evaluation(
    method="net",
    dataset="set",
    metrics={
        "q": MetricInfo(higher_is_better=True, title="Q"),
        "error": MetricInfo(higher_is_better=False, title="error"),
    },
    images={"1": {"q": 0.25, "error": None}, "2": {"q": 0.75, "error": None}, "3": {"q": None, "error": None}},
)


def test_the_mean_is_over_the_images_that_have_a_value():
    assert GAPPY.mean == {"q": 0.5, "error": None}


def test_what_is_written_is_read_again(tmp_path: Path):
    for one in (GAPPY, evaluation("net")):
        one.write(tmp_path / "made" / "net.json")
        assert Evaluation.read(tmp_path / "made" / "net.json") == one
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["net.json"]


def test_the_document_is_the_agreed_one(tmp_path: Path):
    GAPPY.write(tmp_path / "net.json")
    document = json.loads((tmp_path / "net.json").read_text())
    assert document.keys() == {
        *("format", "bridgetune", "method", "dataset", "convention", "definitions", "metrics", "images", "mean"),
        "settings",
    }
    assert document["format"] == 1
    assert document["convention"] == "toolbox"
    assert document["metrics"]["q"] == {"higher_is_better": True, "title": "Q", "unit": ""}
    assert document["images"]["1"] == {"q": 0.25, "error": None}
    assert document["mean"] == {"q": 0.5, "error": None}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"format": 2}, "upgrade bridgetune"),
        ({"format": "1"}, "format: got '1'"),
        ({"convention": "house"}, "convention: got 'house'"),
        ({"method": ""}, "method: got ''"),
        ({"dataset": " Lytro"}, "dataset: got ' Lytro'"),
        ({"images": {}}, "images: got {}"),
        ({"images": {"1": {"q": 0.5}}}, "1 and the list of metrics differ in error"),
        ({"images": {"1": {"q": "0.5", "error": None}}}, "images.1.q: got '0.5'"),
        ({"images": {"1": {"q": float("nan"), "error": None}}}, "NaN is no number of JSON's"),
        ({"mean": {"q": 0.6, "error": None}}, "mean is not the mean of its images"),
        ({"mean": {"q": 0.5, "error": 0.0}}, "mean is not the mean of its images"),
        ({"mean": {"q": 0.5}}, "mean is not the mean of its images"),
        ({"colour": "red"}, "colour: no such key"),
    ],
)
def test_a_bad_document_is_refused_in_one_line(change: dict[str, Any], named: str, tmp_path: Path):
    path = tmp_path / "bad.json"
    GAPPY.write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RequestError) as refused:
        Evaluation.read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"bridgetune": "0.1.0", "adapter": {}}', "\udcff"])
def test_what_is_no_evaluation_is_said_to_be_none(content: str, tmp_path: Path):
    path = tmp_path / "config.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RequestError, match=r"config\.json: not an? (evaluation|JSON file)"):
        Evaluation.read(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(RequestError, match=r"gone\.json: no such file"):
        Evaluation.read(tmp_path / "gone.json")
