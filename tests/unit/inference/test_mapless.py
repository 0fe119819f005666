"""Fusing without a decision map."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridgetune import Evaluator, Generator, RequestError
from bridgetune.inference.mapless import fuse_without_map, refuse_map

MEAN = Evaluator("mean", lambda first, second: (first + second) / 2)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_evaluators_picture_has_the_levels_of_its_sources(kind: type[np.uint8 | np.uint16]):
    first, second = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (2, 9, 14, 3), kind, endpoint=True)
    fused = fuse_without_map(MEAN, first, second)
    assert fused.dtype == kind
    assert abs(fused - (first.astype(np.float64) + second) / 2).max() <= 0.51
    assert np.array_equal(fuse_without_map(MEAN, first, first), first)


def test_what_passes_white_and_black_stays_there():
    source = np.full((2, 3, 3), 200, np.uint8)
    for beyond, level in ((1.5, 255), (-1.0, 0)):
        fused = fuse_without_map(Evaluator("beyond", lambda first, _, to=beyond: first * 0 + to), source, source)
        assert (fused == level).all()


def test_no_gradient_is_kept():
    kept: list[bool] = []

    def method(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        kept.append(torch.is_grad_enabled())
        return first

    fuse_without_map(Evaluator("first", method), *np.zeros((2, 4, 5, 3), np.uint8))
    assert kept == [False]


def test_what_optimises_for_each_pair_can_do_so():
    asked: list[int] = []

    def fit(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Goes half of the way from one to the other, by steps downhill."""
        asked.append(1)
        picture = first.clone().requires_grad_()
        for _ in range(20):
            (gradient,) = torch.autograd.grad((picture - (first + second) / 2).square().sum() / 2, picture)
            picture = (picture - 0.5 * gradient).detach().requires_grad_()
        return picture

    first, second = np.zeros((4, 5, 3), np.uint8), np.full((4, 5, 3), 100, np.uint8)
    assert (fuse_without_map(Evaluator("fit", fit, optimises=True), first, second) == 50).all()
    with pytest.raises(RuntimeError):
        fuse_without_map(Evaluator("fit", fit), first, second)
    assert len(asked) == 2


def test_a_map_is_refused_of_an_evaluator_alone():
    refuse_map(Generator(), "--map map.png")
    refuse_map(None, "--map map.png")
    with pytest.raises(
        RequestError, match=r"^--map map\.png: mean is an evaluator, which draws no decision map; leave"
    ):
        refuse_map(MEAN, "--map map.png")
