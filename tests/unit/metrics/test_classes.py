"""The torchmetrics classes: nothing but the functions, image by image."""

from __future__ import annotations

import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from bridgetune.metrics import FUSION_METRICS, METRICS, SourcePair, classes, full_reference
from tests.support.metrics import PAPERS

SINGLES = [classes.QABFWeighted, classes.QABFMean, classes.QMI, classes.QS, classes.QP, classes.QW, classes.QCB]


def triple(count: int, seed: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.rand(count, 3, 20, 24, generator=random) for _ in range(3)]


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


def test_full_reference_scores():
    clear = torch.full((2, 3, 20, 20), 100, dtype=torch.uint8)
    fused = clear.clone()
    fused[1] += 5
    scores = full_reference(fused, clear)
    # equal images: capped; 5 levels everywhere: 20·log10(255/5) = 34.15 dB
    assert scores["psnr"].tolist() == [100, pytest.approx(34.1514, abs=1e-4)]
    # flat images: (2·100·105 + C1)/(100² + 105² + C1), C1 = 2.55²
    assert scores["ssim"].tolist() == [pytest.approx(1, abs=1e-5), pytest.approx(0.998811, abs=1e-5)]


def test_ssim_is_that_of_torchmetrics():
    fused, clear, _ = triple(2, 3)
    levels = [(image * 255).round().double() for image in (fused, clear)]
    theirs = structural_similarity_index_measure(*levels, data_range=255.0, reduction="none")
    assert torch.allclose(full_reference(fused, clear)["ssim"], theirs, atol=1e-9)


def test_full_reference_of_gray_and_colour():
    gray = torch.randint(0, 256, (1, 1, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert float(full_reference(gray, gray.expand(1, 3, 20, 20))["psnr"]) == 100
