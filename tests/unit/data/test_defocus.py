from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.config import AUGMENTATIONS, Augmentation
from bridgetune.data import SyntheticPairs, disk_blurs, gaussian_blur
from bridgetune.data.defocus import Blur, Development, blurred_by, defocused, developed, draw_chance
from bridgetune.errors import RequestError

SIDE = 32
LENS = AUGMENTATIONS["lens"]


def blur(kind="gaussian", kernel_size=9, far_kernel_size=None, direction=0.0, soft=False, dark=False) -> Blur:
    return Blur(kind, kernel_size, far_kernel_size or kernel_size, direction, soft, dark)


def halves() -> torch.Tensor:
    """A mask of the left half, (1, 1, SIDE, SIDE)."""
    return (torch.arange(SIDE) < SIDE // 2).float().expand(1, 1, SIDE, SIDE).contiguous()


def noise_image(seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 8), st.floats(0, 1))
def test_a_disk_leaves_an_even_surface_as_it_is(half, value):
    surface = torch.full((1, 3, 20, 24), value)
    assert torch.allclose(disk_blurs(surface, [2 * half + 1]), surface, atol=1e-6)


def test_a_disk_spreads_a_point_evenly_over_its_own_area():
    point = torch.zeros(1, 1, 41, 41)
    point[..., 20, 20] = 1
    spread = disk_blurs(point, [21])[0, 0]
    distance = np.hypot(*np.meshgrid(np.arange(-20, 21), np.arange(-20, 21)))
    inside = spread[torch.from_numpy(distance < 9.5)]
    assert inside.max() == pytest.approx(inside.min().item(), rel=1e-5)
    assert inside.max().item() == pytest.approx(1 / (np.pi * 10.5**2), rel=0.01)
    assert not spread[torch.from_numpy(distance > 11)].any()


def test_each_image_of_a_batch_has_its_own_disk():
    images = torch.cat([noise_image(1), noise_image(2), noise_image(3)])
    together = disk_blurs(images, [3, 7, 3])
    for index, size in enumerate([3, 7, 3]):
        assert torch.allclose(together[index], disk_blurs(images[index : index + 1], [size])[0], atol=1e-6)


def test_an_even_disk_is_refused():
    with pytest.raises(RequestError, match="kernel_size: got 4, expected an odd number"):
        disk_blurs(noise_image(), [4])


def test_a_slanted_surface_is_as_blurred_at_either_end_as_its_kernels_say():
    image = noise_image()
    slanted = blurred_by(image, [blur(kernel_size=3, far_kernel_size=11, direction=0.0)])
    assert torch.allclose(slanted[..., 0], gaussian_blur(image, 3)[..., 0], atol=1e-6)
    assert torch.allclose(slanted[..., -1], gaussian_blur(image, 11)[..., -1], atol=1e-6)


@given(st.floats(0, 7), st.integers(1, 10), st.integers(1, 10))
def test_a_slant_never_overshoots_its_two_blurs(direction, near, far):
    image = noise_image()
    ends = torch.stack([gaussian_blur(image, 2 * half + 1) for half in (near, far)])
    slanted = blurred_by(image, [blur(kernel_size=2 * near + 1, far_kernel_size=2 * far + 1, direction=direction)])
    assert (slanted >= ends.amin(0) - 1e-5).all()
    assert (slanted <= ends.amax(0) + 1e-5).all()


@pytest.mark.parametrize("kind", ["gaussian", "disk"])
def test_black_from_beyond_the_picture_darkens_its_blurred_edges_alone(kind):
    white = torch.ones(1, 3, SIDE, SIDE)
    edged = blurred_by(white, [blur(kind, 9, dark=True)])
    assert torch.allclose(edged[..., 4:-4, 4:-4], white[..., 4:-4, 4:-4], atol=1e-6)
    assert (edged[..., 0] < 0.7).all()
    assert (edged[..., 0, 0] < edged[..., 0, SIDE // 2]).all()
    assert torch.allclose(edged.flip(-1, -2), edged, atol=1e-6)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("kind", ["gaussian", "disk"])
def test_what_is_in_focus_is_the_image_itself(kind, soft):
    image, mask = noise_image(), halves()
    near, far = defocused(image, mask, [blur(kind, 7, soft=soft)])
    assert torch.allclose(near * mask, image * mask, atol=1e-6)
    away = slice(SIDE // 2 + 4, None)
    assert torch.allclose(far[..., away], image[..., away], atol=1e-6)


def test_a_soft_object_out_of_focus_spills_over_what_is_behind_it():
    black_before_white = 1 - halves().expand(-1, 3, -1, -1)
    _, cut = defocused(black_before_white, halves(), [blur(kernel_size=9)])
    _, spilling = defocused(black_before_white, halves(), [blur(kernel_size=9, soft=True)])
    beside = (..., SIDE // 2)
    assert (cut[beside] == 1).all()
    assert (spilling[beside] < 0.9).all()


def test_the_background_out_of_focus_takes_nothing_from_a_soft_object_before_it():
    black_before_white = 1 - halves().expand(-1, 3, -1, -1)
    haloed, _ = defocused(black_before_white, halves(), [blur(kernel_size=9)])
    clean, _ = defocused(black_before_white, halves(), [blur(kernel_size=9, soft=True)])
    beside = (..., SIDE // 2)
    assert (haloed[beside] < 0.9).all()
    assert torch.allclose(clean[beside], torch.tensor(1.0), atol=1e-5)


@given(st.integers(0, 99), st.booleans())
def test_pairs_stay_in_range_whatever_the_mask(seed, soft):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand(1, 1, SIDE, SIDE, generator=generator) > 0.5).float()
    for image in defocused(noise_image(seed), mask, [blur(kernel_size=9, far_kernel_size=3, soft=soft)]):
        assert image.min() >= -1e-5
        assert image.max() <= 1 + 1e-5


def test_a_camera_that_changes_nothing_changes_nothing():
    images = noise_image(), noise_image(1)
    nothing = Development(
        np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32), np.zeros((2, 1, 1, 1), np.float32), (0, 0)
    )
    for before, after, none in zip(images, developed(images, [nothing]), developed(images, [None]), strict=True):
        assert torch.allclose(before, after, atol=1e-6)
        assert torch.equal(before, none)


def test_a_jpeg_file_of_low_quality_is_further_from_its_image():
    images = noise_image(), noise_image()
    development = Development(
        np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32), np.zeros((2, 1, 1, 1), np.float32), (50, 95)
    )
    low, high = ((image - images[0]).abs().mean() for image in developed(images, [development]))
    assert 0 < high < low


def test_without_augmentation_a_kernel_size_is_all_that_is_drawn():
    one, other = (np.random.default_rng(3) for _ in range(2))
    chance = draw_chance(AUGMENTATIONS["none"], (3, 21), (8, 8), one)
    assert chance.blur.kernel_size == 3 + 2 * other.integers(10)
    assert one.bit_generator.state == other.bit_generator.state


def test_shares_are_kept_over_many_draws():
    rng = np.random.default_rng(0)
    chances = [draw_chance(LENS, (3, 21), (4, 4), rng) for _ in range(2000)]
    shares = {
        "exchange": np.mean([chance.exchange for chance in chances]),
        "disk": np.mean([chance.blur.kind == "disk" for chance in chances]),
        "soft": np.mean([chance.blur.soft for chance in chances]),
    }
    assert shares == pytest.approx({"exchange": 0.5, "disk": 0.5, "soft": 0.5}, abs=0.05)  # 4 standard deviations


@pytest.mark.parametrize("name", ["exchange", "lens", "camera"])
def test_a_sample_is_a_function_of_its_seed_and_in_the_canonical_space(scenes, name):
    pairs = SyntheticPairs(scenes / "image", scenes / "mask", size=16, augmentation=AUGMENTATIONS[name])
    for index in range(3):
        one, other = (pairs.sample(index, np.random.default_rng(7)) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        assert one.first.shape == one.second.shape == (3, 16, 16)
        assert set(one.mask.unique().tolist()) <= {0.0, 1.0}
        for image in (one.first, one.second):
            assert -1e-5 <= image.min() <= image.max() <= 1 + 1e-5


def test_an_exchanged_pair_is_the_pair_the_other_way_round(scenes):
    either = SyntheticPairs(scenes / "image", scenes / "mask", size=16, augmentation=Augmentation(exchange=True))
    drawn = [either.draw(0, np.random.default_rng(seed)) for seed in range(20)]
    assert {drawing.chance.exchange for drawing in drawn} == {False, True}
    turned = [
        drawing._replace(chance=dataclasses.replace(drawing.chance, exchange=not drawing.chance.exchange))
        for drawing in drawn
    ]
    given, swapped = (either.develop(drawings, torch.device("cpu")) for drawings in (drawn, turned))
    assert torch.equal(given.first, swapped.second)
    assert torch.equal(given.second, swapped.first)
    assert torch.equal(given.mask, 1 - swapped.mask)
