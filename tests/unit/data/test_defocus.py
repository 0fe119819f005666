from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.data import disk_blurs, gaussian_blur
from bridgetune.data.defocus import Blur, blurred_by, defocused
from bridgetune.errors import RequestError

SIDE = 32


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


def test_in_linear_light_a_highlight_outshines_what_it_spreads_over():
    image, mask = torch.full((1, 3, SIDE, SIDE), 0.1), torch.zeros(1, 1, SIDE, SIDE)
    image[..., 16, 16] = 1
    linear, stored = (defocused(image, mask, [blur("disk")._replace(linear=each)])[0] for each in (True, False))
    assert (linear[0, :, 16, 18] > stored[0, :, 16, 18] + 0.05).all()
    even = torch.full((1, 3, SIDE, SIDE), 0.3)
    for side in defocused(even, halves(), [blur()._replace(linear=True)]):
        assert torch.allclose(side, even, atol=1e-6)


@pytest.mark.parametrize("layers", ["absorbing", "glowing"])
def test_layers_that_light_passes_are_sharp_each_in_its_own_image_and_leave_empty_ground_alone(layers):
    ground = 0.9 if layers == "absorbing" else 0.05
    image, mask = torch.full((1, 3, SIDE, SIDE), ground), halves()
    image[..., 14:18, 6:10] = 0.5
    image[..., 14:18, 22:26] = 0.5
    near, far = defocused(image, mask, [blur("disk", 5)._replace(layers=layers)])
    assert torch.allclose(near[..., :12], image[..., :12], atol=1e-5)
    assert torch.allclose(far[..., 20:], image[..., 20:], atol=1e-5)
    assert not torch.allclose(near[..., 20:], image[..., 20:], atol=0.05)
    assert torch.allclose(near[..., 0, :], image[..., 0, :], atol=1e-5)


def test_what_spills_over_an_absorbing_layer_darkens_it_and_over_a_glowing_one_brightens_it():
    for layers, ground, sign in (("absorbing", 0.9, -1), ("glowing", 0.05, 1)):
        image = torch.full((1, 3, SIDE, SIDE), ground)
        image[..., 14:18, 10:22] = 0.5
        near, _ = defocused(image, halves(), [blur("disk", 9)._replace(layers=layers)])
        assert (sign * (near - image)[..., 14:18, 13:16] > 0.01).all()
