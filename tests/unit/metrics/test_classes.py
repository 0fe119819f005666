"""The torchmetrics classes: nothing but the functions, image by image."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
import torch

from bridgetune.metrics import FUSION_METRICS, METRICS, SourcePair, classes
from tests.support.metrics import PAPERS
from tests.support.triples import triple

SINGLES = [classes.QABFWeighted, classes.QABFMean, classes.QMI, classes.QS, classes.QP, classes.QW, classes.QCB]


def test_there_is_a_class_for_every_metric():
    assert [single.name for single in SINGLES] == list(PAPERS)
    made = [getattr(classes, METRICS[name].class_name) for name in FUSION_METRICS]
    assert [single.name for single in made] == list(FUSION_METRICS)


@pytest.mark.parametrize("single", SINGLES)
def test_batches_are_gathered_image_by_image(single: type):
    metric = single()
    batches = triple(2, 0), triple(1, 1)
    for batch in batches:
        metric.update(*batch)
    expected = torch.cat([SourcePair(*batch[:2]).score(batch[2])[single.name] for batch in batches])
    assert torch.equal(metric.per_image(), expected)
    assert torch.equal(metric.compute(), expected.mean())
    assert metric.higher_is_better is METRICS[single.name].higher_is_better


def test_all_at_once_is_the_same():
    together, single = classes.FusionScores("paper"), classes.QS("paper")
    for metric in (together, single):
        metric.update(*triple(2, 0))
    assert torch.equal(together.compute()["q_s"], single.compute())
    assert list(together.per_image()) == list(FUSION_METRICS)
    together.reset()
    together.update(*triple(1, 5))
    assert together.per_image()["q_mi"].shape == (1,)


def test_a_class_is_one_wherever_it_is_asked_for_and_survives_being_sent():
    assert classes.QMI is classes.QMI
    metric = classes.QMI("paper")
    metric.update(*triple(2, 0))
    sent = pickle.loads(pickle.dumps(metric))
    assert type(sent) is classes.QMI
    assert torch.equal(sent.compute(), metric.compute())
    assert {"FusionScores", "QABFMean"} <= set(dir(classes))


@pytest.mark.parametrize(("lower", "together"), [((), True), (("q_s",), None)])
def test_all_at_once_know_which_way_is_better_where_they_agree(
    lower: tuple[str, ...], together: bool | None, monkeypatch: pytest.MonkeyPatch
):
    for name in FUSION_METRICS:
        monkeypatch.setitem(METRICS, name, dataclasses.replace(METRICS[name], higher_is_better=name not in lower))
    assert classes.FusionScores().higher_is_better is together


def test_there_is_no_class_of_a_metric_of_another_kind():
    with pytest.raises(AttributeError, match="no attribute 'PSNR'"):
        _ = classes.PSNR
