from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.data.scenes import Across, Backlight, Cells, Even, Region, Softened, changed_scenes

SHAPE = (40, 56)

seeds = st.integers(0, 2**32 - 1)
any_change = st.sampled_from(
    [
        Across.draw,
        Even.draw,
        Backlight.draw,
        lambda rng: Softened.draw(rng, (0.5, 8), regional=True),
        lambda rng: Softened.draw(rng, (0.5, 8), regional=False),
        lambda rng: Cells.draw(rng, SHAPE, glowing=False),
        lambda rng: Cells.draw(rng, SHAPE, glowing=True),
    ]
)


def scene(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise, with an object in its left third."""
    image = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(seed))
    return image, (torch.arange(SHAPE[1]) < SHAPE[1] // 3).float().expand(1, *SHAPE).contiguous()


def contrast(image: torch.Tensor, inside: torch.Tensor) -> float:
    """Mean absolute difference of neighbours, of those that both lie inside."""
    both = (inside[..., 1:] * inside[..., :-1]).bool().expand(3, -1, -1)
    return image.diff(dim=-1).abs()[both].mean().item()


@given(any_change, seeds)
def test_a_changed_scene_is_a_scene_and_a_function_of_what_was_drawn(draw, seed):
    change = draw(np.random.default_rng(seed))
    before = [layer.clone() for layer in scene()]
    image, mask = change.changed(*scene())
    again = draw(np.random.default_rng(seed)).changed(*scene())
    assert image.shape == (3, *SHAPE)
    assert mask.shape == (1, *SHAPE)
    assert -1e-5 <= image.min() <= image.max() <= 1 + 1e-5
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(image, again[0])
    assert torch.equal(mask, again[1])
    assert all(torch.equal(layer, kept) for layer, kept in zip(scene(), before, strict=True))


def test_only_the_scenes_that_have_changes_are_changed_and_in_their_order():
    images, masks = (torch.stack(layers) for layers in zip(scene(0), scene(1), scene(2), strict=True))
    rng = np.random.default_rng(0)
    changes = [Even.draw(rng), Backlight.draw(rng)]
    changed, its_masks = changed_scenes(images, masks, [(), changes, ()])
    expected = changes[1].changed(*changes[0].changed(images[1], masks[1]))
    assert torch.equal(changed[1], expected[0])
    assert torch.equal(its_masks[1], expected[1])
    assert torch.equal(changed[[0, 2]], images[[0, 2]])
    assert torch.equal(images[1], scene(1)[0]), "what was given is left alone"


@given(seeds, st.floats(0.1, 0.9))
def test_a_region_is_as_large_as_its_share(seed, share):
    region = Region.draw(np.random.default_rng(seed))._replace(share=share)
    assert region.inside(scene()[0]).mean().item() == pytest.approx(share, abs=0.01)


@given(seeds)
def test_a_seam_across_surfaces_keeps_the_object_whole_or_ignores_it(seed):
    across = Across.draw(np.random.default_rng(seed))
    image, mask = scene()
    with_object, without = (across._replace(objects=objects).changed(image, mask) for objects in (True, False))
    assert torch.equal(with_object[1], torch.maximum(without[1], mask))
    assert torch.equal(without[0], image)
    assert without[1].mean().item() == pytest.approx(across.region.share, abs=0.01)


@pytest.mark.parametrize("where", ["object", "rest"])
def test_an_even_region_loses_its_contrast_and_nothing_else_does(where):
    even = Even.draw(np.random.default_rng(0))._replace(where=where, share=0.1)
    image, mask = scene()
    changed, _ = even.changed(image, mask)
    inside = mask if where == "object" else 1 - mask
    assert contrast(changed, inside) < 0.15 * contrast(image, inside)
    assert torch.equal(changed * (1 - inside), image * (1 - inside))


@given(seeds)
def test_backlight_makes_one_side_dark_and_the_other_bright(seed):
    backlight = Backlight.draw(np.random.default_rng(seed))
    image, mask = scene()
    changed, _ = backlight.changed(image, mask)
    dark = (mask if backlight.object else 1 - mask).bool().expand(3, -1, -1)
    assert (changed[dark] <= image[dark]).all()
    assert (changed[~dark] >= image[~dark] - 1e-6).all()
    assert changed[dark].mean() < changed[~dark].mean()


def test_a_softened_region_alone_loses_contrast():
    softened = Softened.draw(np.random.default_rng(1), (4, 8), regional=True)
    image, mask = scene()
    changed, _ = softened.changed(image, mask)
    inside = softened.region.inside(image)
    assert contrast(changed, inside) < 0.5 * contrast(image, inside)
    assert torch.equal(changed * (1 - inside), image * (1 - inside))


def test_a_scene_that_is_softened_towards_one_end_is_sharp_at_the_other():
    softened = Softened(9, None, 0.0)
    image, mask = scene()
    changed, _ = softened.changed(image, mask)
    half = SHAPE[1] // 2
    assert torch.equal(changed[..., :half], image[..., :half])
    end = torch.zeros_like(mask)
    end[..., -8:] = 1
    assert contrast(changed, end) < 0.4 * contrast(image, end)


@pytest.mark.parametrize("glowing", [False, True])
def test_cells_stand_out_from_empty_ground(glowing):
    cells = Cells.draw(np.random.default_rng(3), (128, 128), glowing)
    one = cells._replace(
        places=np.array([[0.5, 0.25], [0.5, 0.75]], np.float32),
        radii=np.full((2, 2), 10, np.float32),
        angles=np.zeros(2, np.float32),
        density=np.full((2, 2), 1, np.float32),
        sizes=np.full(2, 1.5, np.float32),
        nearer=np.array([True, False]),
    )
    image, mask = one.changed(torch.full((3, 128, 128), 0.5), torch.zeros(1, 128, 128))
    ground = torch.from_numpy(one.ground)
    assert torch.allclose(image[:, 0, 64], ground, atol=1e-6)
    difference = (image[:, 64, 32] - ground).sum()
    assert difference > 0.2 if glowing else difference < -0.2
    assert mask[..., :64].all(), "every pixel belongs to the cell that it is nearest to"
    assert not mask[..., 65:].any()


@given(seeds)
def test_cells_are_in_focus_in_either_image(seed):
    cells = Cells.draw(np.random.default_rng(seed), SHAPE, glowing=False)
    assert 0 < cells.nearer.sum() < len(cells.nearer)
