"""The authors' released way: a map of 256×256, enlarged, and a blend that is cut off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bridgetune import Generator
from bridgetune.inference.released import SIDE, fuse_released, resize_bilinear


class LeftHalf(Generator):
    """The first image is in focus on the left; keeps the size that it was asked for."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.seen = first.shape
        logits = torch.ones_like(first[:, :1])
        logits[..., first.shape[-1] // 2 :] = -1
        return logits


def test_the_network_sees_256_by_256_whatever_the_size():
    generator, first = LeftHalf(), np.full((40, 500, 3), 200, np.uint8)
    fused, decision, undecided = fuse_released(generator, first, np.zeros_like(first))
    assert generator.seen == (1, 3, SIDE, SIDE)
    assert fused.shape == first.shape
    assert decision.shape == (40, 500)
    assert (decision[:, :240] == 1).all()
    assert (decision[:, 260:] == 0).all()
    assert undecided == 0


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_across_a_boundary_sources_are_blended_and_the_blend_is_cut_to_whole_numbers(kind: type[np.uint8 | np.uint16]):
    white = np.full((4, 1024, 3), np.iinfo(kind).max, kind)
    fused, decision, _ = fuse_released(LeftHalf(), white, np.zeros_like(white))
    assert fused.dtype == kind
    between = (decision > 0) & (decision < 1)
    assert between.any()
    exact = decision.astype(np.float64) * np.iinfo(kind).max
    assert np.array_equal(fused[..., 0][between], np.floor(exact[between] + 1e-3).astype(kind))


def test_a_picture_of_its_own_size_is_not_changed_by_resizing():
    image = np.random.default_rng(0).random((7, 9), np.float32)
    assert np.array_equal(resize_bilinear(image, 7, 9), image)


def test_enlarging_keeps_pixel_centres_aligned():
    row = np.array([[0.0, 1.0]], np.float32)
    assert resize_bilinear(row, 1, 4).tolist() == [[0, 0.25, 0.75, 1]]
    assert resize_bilinear(row.T, 4, 1).ravel().tolist() == [0, 0.25, 0.75, 1]
