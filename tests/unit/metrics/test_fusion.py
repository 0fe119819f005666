"""What holds of the fusion metrics for any images."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bridgetune.errors import RequestError, WorkError
from bridgetune.metrics import METRICS, SourcePair
from tests.support.metrics import PAPERS
from tests.support.triples import batch

CONVENTIONS = ["toolbox", "paper"]

BEST = {"qabf_weighted": 0.98665910, "qabf_mean": 0.98665910, "q_mi": 2.0, "q_s": 1.0, "q_w": 1.0, "q_cb": 1.0}
"""Of F = A = B. Q^{AB/F}: 1/((1 + exp(-5))·(1 + exp(-5))). The others: reference value 10 of the toolbox."""

sides = st.integers(11, 40)


@st.composite
def images(draw: st.DrawFn, count: int) -> list[Tensor]:
    """Gray images of one size and of all kinds: noise, few levels, flat, flat patches."""
    height, width = draw(sides), draw(sides)
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    found = []
    for kind in draw(st.lists(st.sampled_from(["noise", "few", "flat", "patch"]), min_size=count, max_size=count)):
        image = torch.randint(0, 256, (1, 1, height, width), generator=random, dtype=torch.uint8)
        if kind == "few":
            image = image // 100 * 100
        elif kind == "flat":
            image[:] = image[0, 0, 0, 0]
        elif kind == "patch":
            image[..., : height // 2, :] = image[0, 0, 0, 0]
        found.append(image)
    return found


@settings(max_examples=40)
@given(images(3), st.sampled_from(CONVENTIONS))
def test_scores_are_always_finite_and_at_most_the_best(triple: list[Tensor], convention: str):
    first, second, fused = triple
    for name, score in SourcePair(first, second).score(fused, PAPERS, convention).items():
        assert torch.isfinite(score).all(), name
        assert float(score) <= BEST.get(name, 1.0) + 1e-7, name


@settings(max_examples=40)
@given(images(3), st.sampled_from(CONVENTIONS))
def test_the_sources_may_change_places(triple: list[Tensor], convention: str):
    first, second, fused = triple
    one = SourcePair(first, second).score(fused, PAPERS, convention)
    other = SourcePair(second, first).score(fused, PAPERS, convention)
    for name in PAPERS:
        # where both sources' congruency is equal, q_p takes the second's moments, as the toolbox does
        tolerance = 1e-2 if name == "q_p" else 1e-6 if name.startswith("qabf") else 1e-10
        assert float(one[name]) == pytest.approx(float(other[name]), abs=tolerance), name


@settings(max_examples=30)
@given(images(1))
def test_nothing_is_better_than_sources_that_are_the_fused_image(single: list[Tensor]):
    (image,) = single
    scores = SourcePair(image, image).score(image)
    for name, best in BEST.items():
        assert float(scores[name]) == pytest.approx(best, abs=1e-8), name
    assert 0 < float(scores["q_p"]) <= 1


@pytest.mark.parametrize(("convention", "q_s"), [("toolbox", 1.0), ("paper", 0.5)])
@pytest.mark.parametrize("level", [0, 9, 255])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_images_of_one_level_have_the_values_that_are_documented(
    convention: str, q_s: float, level: int, dtype: torch.dtype
):
    flat = torch.full((1, 1, 20, 17), level, dtype=torch.uint8)
    scores = SourcePair(flat, flat, dtype).score(flat, convention=convention)
    for name, value in {**BEST, "q_p": 1.0, "q_s": q_s}.items():
        assert float(scores[name]) == pytest.approx(value, abs=1e-5), name


def test_a_fused_image_of_one_level_tells_nothing_of_its_sources():
    random = torch.Generator().manual_seed(0)
    first, second = (torch.rand(1, 1, 24, 24, generator=random) for _ in range(2))
    scores = SourcePair(first, second).score(torch.full((1, 1, 24, 24), 0.5))
    assert float(scores["q_mi"]) == pytest.approx(0, abs=1e-12)
    assert float(scores["q_cb"]) == 0
    assert float(scores["q_s"]) < 0.02


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_batch_scores_as_its_images_do_one_by_one(convention: str):
    together = SourcePair(*batch()[:2]).score(batch()[2], convention=convention)
    for number in range(3):
        first, second, fused = (images[number : number + 1] for images in batch())
        alone = SourcePair(first, second).score(fused, PAPERS, convention)
        for name in PAPERS:
            assert together[name].shape == (3,)
            assert float(together[name][number]) == pytest.approx(float(alone[name]), abs=1e-9), name


def test_a_pair_scores_a_second_method_as_if_it_were_the_first():
    first, second, fused = batch()
    pair = SourcePair(first, second)
    pair.score(first)
    again, fresh = pair.score(fused), SourcePair(first, second).score(fused)
    assert all(torch.equal(again[name], fresh[name]) for name in PAPERS)


def test_single_precision_is_close():
    first, second, fused = batch()
    exact = SourcePair(first, second).score(fused)
    for name, score in SourcePair(first, second, torch.float32).score(fused, PAPERS).items():
        assert score.dtype == torch.float32
        assert torch.allclose(score.double(), exact[name], atol=1e-4), name


def test_other_sizes_and_unknown_names_are_refused_in_a_line():
    first, second, fused = batch()
    with pytest.raises(RequestError, match="second source: got 3 of 26×32, the first source has 3 of 26×33"):
        SourcePair(first, second[:, :, :-1])
    with pytest.raises(RequestError, match="fused image: got 2 of"):
        SourcePair(first, second).score(fused[:2])
    with pytest.raises(RequestError, match="got q_x, expected some of qabf_weighted"):
        SourcePair(first, second).score(fused, ["q_x"])
    with pytest.raises(RequestError, match="convention: got 'matlab'"):
        SourcePair(first, second).score(fused, convention="matlab")  # type: ignore[arg-type]


def test_a_function_that_does_not_give_a_score_an_image_is_named(monkeypatch: pytest.MonkeyPatch):
    whole = dataclasses.replace(METRICS["q_mi"], function=lambda images: images.fused.levels.mean())
    monkeypatch.setitem(METRICS, "q_mi", whole)
    with pytest.raises(WorkError, match=r"metric q_mi: its function returned shape \(\), expected \(3,\)"):
        SourcePair(*batch()[:2]).score(batch()[2], ["q_mi"])
