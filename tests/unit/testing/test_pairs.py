"""Source pairs with known masks."""

from __future__ import annotations

import numpy as np
import torch

from bridgetune.data import all_in_focus
from bridgetune.testing.pairs import KnownPairs, overexposed_pairs, source_pairs


def test_pairs_are_the_same_each_time_and_another_for_each_index():
    known = KnownPairs(20, 30, count=3)
    assert len(known) == 3
    drawn = [known.sample(index, np.random.default_rng(seed)) for index, seed in ((0, 0), (0, 1), (1, 0))]
    assert torch.equal(drawn[0].first, drawn[1].first)
    assert not torch.equal(drawn[0].mask, drawn[2].mask)
    for pair in drawn:
        assert pair.first.shape == pair.second.shape == (3, 20, 30)
        assert 0 < pair.mask.mean() < 1


def test_each_image_is_the_whole_picture_where_it_is_in_focus():
    pair = KnownPairs(64, 64).sample(1, np.random.default_rng(0))
    whole = all_in_focus(pair)
    inside, outside = pair.mask == 1, pair.mask == 0
    middle, corner = (slice(None), slice(28, 36), slice(28, 36)), (slice(None), slice(0, 4), slice(0, 4))
    assert inside[middle].all()
    assert outside[corner].all()
    assert torch.equal(pair.first[middle], whole[middle])
    assert torch.equal(pair.second[corner], whole[corner])
    assert not torch.equal(pair.second[middle], whole[middle])


def test_the_overexposed_have_a_quarter_without_any_deviation():
    for plain, over in zip(source_pairs(2, 10, 12), overexposed_pairs(2, 10, 12), strict=True):
        assert (over[..., 5:, 6:] == 1).all()
        assert torch.equal(over[..., :5, :], plain[..., :5, :])
        assert torch.equal(over[..., :6], plain[..., :6])
