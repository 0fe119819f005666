from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.config import Augmentation
from bridgetune.data import SyntheticPairs
from bridgetune.data.defocus import GAMMA, Blur, defocused, in_focus
from bridgetune.data.graded import DIAMETERS, GAPS, Planes
from bridgetune.data.planes import focused

SHAPE = (40, 56)

RAMP = Planes(np.array([[0, 1], [0, 1]], np.float32), 0.0, (0.3, 0.7), 20.0)
"""Farther from left to right."""

PLAIN = Blur("gaussian", 9, 9, 0.0, soft=False, dark_edges=False)

seeds = st.integers(0, 2**32 - 1)


def scene(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise, with an object in its left third."""
    image = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(seed))
    return image, (torch.arange(SHAPE[1]) < SHAPE[1] // 3).float().expand(1, *SHAPE).contiguous()


def detail(image: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of neighbours, by column."""
    return image.diff(dim=-2).abs().mean(dim=(0, 1))


@given(seeds)
def test_planes_are_in_order_and_differ_by_what_they_may(seed):
    planes = Planes.draw(np.random.default_rng(seed))
    near, far = planes.focuses
    assert DIAMETERS[0] <= planes.diameter <= DIAMETERS[1]
    assert 0 < far - near <= 1 + 1e-6
    assert min(GAPS[0], planes.diameter) - 1e-4 <= (far - near) * planes.diameter <= GAPS[1] + 1e-4
    assert 0 <= planes.lift <= 0.5
    assert (planes.grid.min(), planes.grid.max()) == (0, 1)


def test_the_first_image_is_the_sharper_one_where_the_mask_says_so_and_neither_is_sharp_far_from_both():
    image, mask = scene()
    first, second = RAMP.shown(image, mask)
    inside = RAMP.first_is_sharper(mask)
    assert set(inside.unique().tolist()) == {0.0, 1.0}
    sharper = detail(first) > detail(second)
    columns = inside[0, 0].bool()
    assert (sharper == columns)[abs(torch.arange(SHAPE[1]) - (SHAPE[1] - 1) / 2) > 3].all()
    ends = torch.cat([torch.arange(4), torch.arange(SHAPE[1] - 4, SHAPE[1])])
    assert (torch.maximum(detail(first), detail(second))[ends] < 0.8 * detail(image)[ends]).all()


def test_an_object_that_stands_out_is_nearer_with_a_sharp_edge():
    _, mask = scene()
    lifted = RAMP._replace(grid=np.ones((2, 2), np.float32), lift=0.5)
    assert torch.allclose(lifted.depth(mask), 1 - 0.5 * mask[0], atol=1e-6)
    assert torch.equal(lifted._replace(focuses=(0.45, 1.05)).first_is_sharper(mask), mask)


def test_pairs_of_planes_stand_beside_others_in_a_batch_and_take_their_masks():
    images, masks = (torch.stack(layers) for layers in zip(scene(0), scene(1), strict=True))
    blurs = [PLAIN, PLAIN._replace(planes=RAMP)]
    first, second = defocused(images, masks, blurs)
    plain = defocused(images[:1], masks[:1], blurs[:1])
    assert torch.equal(first[0], plain[0][0])
    assert torch.equal(second[0], plain[1][0])
    assert torch.equal(first[1], focused(images[1], RAMP.depth(masks[1]), 0.3, 20.0))
    found = in_focus(masks, blurs)
    assert torch.equal(found[0], masks[0])
    assert torch.equal(found[1], RAMP.first_is_sharper(masks[1]))
    assert torch.equal(masks[1], scene(1)[1])  # what was given is left as it was


def test_planes_are_blurred_in_linear_light_where_the_pair_is():
    images, masks = (layer[None] for layer in scene())
    first, _ = defocused(images, masks, [PLAIN._replace(planes=RAMP, linear=True)])
    expected = focused(images[0] ** GAMMA, RAMP.depth(masks[0]), 0.3, 20.0) ** (1 / GAMMA)
    assert torch.allclose(first[0], expected, atol=1e-6)


def test_a_sample_of_planes_may_come_either_way_round(lasting_scenes):
    folders = lasting_scenes / "image", lasting_scenes / "mask"
    turned = Augmentation(planes=1, exchange=True)
    made = SyntheticPairs(*folders, size=24, flips=False, augmentation=turned)
    plain = SyntheticPairs(*folders, size=24, flips=False, augmentation=Augmentation(planes=1))
    seen = set()
    for seed in range(12):
        one, other = (pairs.sample(0, np.random.default_rng(seed)) for pairs in (made, plain))
        exchanged = not torch.equal(one.first, other.first)
        seen.add(exchanged)
        assert torch.equal(one.mask, 1 - other.mask if exchanged else other.mask)
        assert torch.equal(one.second, other.first if exchanged else other.second)
    assert seen == {False, True}
