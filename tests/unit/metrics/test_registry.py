"""What a metric must say to be known; what comes of it is tested in `tests/integration/test_new_metric.py`."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bridgetune.errors import RequestError
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Metric, metric_table, register
from tests.support import ROOT

OWN = Metric("own", "own", True, "fusion", "this test", "what it is", "builtins:len")


@pytest.fixture(autouse=True)
def _registry_as_it_was() -> Iterator[None]:
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "q_mi"}, "metric q_mi: the name is taken by Q_{MI}; choose another"),
        ({"name": "psnr", "kind": "fusion"}, "metric psnr: the name is taken by PSNR"),
        ({"name": "qmi"}, "metric qmi: its class QMI is that of q_mi; choose another"),
        ({"name": "Q-MI"}, "metric 'Q-MI': expected a name of small letters, digits and _, such as q_mi"),
        ({"name": ""}, "metric ''"),
        (
            {"kind": "speed"},
            "metric own: got kind 'speed', expected one of fusion, map, decision, consistency, reference",
        ),
        ({"function": "len"}, "metric own: got function 'len', expected a callable or package.module:function"),
        ({"function": 3}, "metric own: got function 3, expected"),
    ],
)
def test_what_cannot_be_registered_is_refused_in_a_line(change: dict[str, object], said: str):
    before = dict(METRICS)
    with pytest.raises(RequestError, match=re.escape(said)) as refused:
        register(dataclasses.replace(OWN, **change))  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
    assert before == METRICS


def test_the_names_of_fusion_metrics_are_those_of_now():
    names = list(FUSION_METRICS)
    register(OWN)
    assert list(FUSION_METRICS) == [*names, "own"]
    assert len(FUSION_METRICS) == len(names) + 1
    assert "own" in FUSION_METRICS
    assert FUSION_METRICS[-1] == "own"
    assert FUSION_METRICS[:2] == ("qabf_weighted", "qabf_mean")
    assert "'own'" in repr(FUSION_METRICS)
    register(dataclasses.replace(OWN, name="other", kind="reference"))
    assert "other" not in FUSION_METRICS


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("qabf_weighted", "QABFWeighted"),
        ("q_mi", "QMI"),
        ("nearer_difference", "NearerDifference"),
        ("quality", "Quality"),
    ],
)
def test_a_class_has_its_symbols_in_capitals(name: str, class_name: str):
    assert dataclasses.replace(OWN, name=name).class_name == class_name


def test_every_metric_says_what_it_is_and_has_a_function():
    for metric in METRICS.values():
        assert metric.definition, metric.name
        assert metric.source, metric.name
        assert callable(metric.computed), metric.name
    assert OWN.computed is len


def test_the_papers_convention_is_another_definition_of_two():
    other = {name for name, metric in METRICS.items() if metric.defined("paper") != metric.defined()}
    assert other >= {"q_s", "q_w"}
    assert not other & {"qabf_weighted", "qabf_mean", "q_mi", "q_p", "q_cb"}
    assert METRICS["q_s"].defined("paper").endswith("with the universal quality index in 8×8 windows")


def test_the_table_has_a_line_for_each_kind_by_kind():
    register(OWN)
    lines = metric_table().splitlines()
    named = [line.split("`")[1] for line in lines[2:]]
    assert sorted(named) == sorted(METRICS)
    assert named.index("own") < named.index("map_error")
    assert "| `own` | higher | what it is | the sources | this test |" in lines
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in lines)


def test_facts_cost_no_torch():
    code = "import sys, bridgetune.metrics.registry, bridgetune.metrics; print('torch' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "False"
