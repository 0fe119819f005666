from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune_classic.pyramid import LaplacianPyramid, collapsed, laplacian_pyramid

SIDES = st.integers(1, 70)


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(height=SIDES, width=SIDES, levels=st.integers(0, 6))
def test_a_pyramid_holds_the_whole_image(height, width, levels):
    image = images(2, 3, height, width)
    pyramid = laplacian_pyramid(image, levels)
    torch.testing.assert_close(collapsed(pyramid), image)
    for fine, coarse in pairwise(pyramid):
        assert coarse.shape[-2:] == (-(-fine.shape[-2] // 2), -(-fine.shape[-1] // 2))
    assert len(pyramid) <= levels + 1
    assert min(pyramid[-1].shape[-2:]) >= min(height, width, 2)


def test_details_of_a_flat_image_are_nothing_up_to_its_edges():
    *details, base = laplacian_pyramid(torch.full((1, 1, 67, 85), 0.4))
    assert len(details) == 5
    for detail in details:
        assert detail.abs().max() < 1e-6
    torch.testing.assert_close(base, torch.full_like(base, 0.4))


@settings(max_examples=20, deadline=None)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 99))
def test_order_does_not_matter_and_an_image_with_itself_is_itself(height, width, seed):
    first, second = images(2, 1, 3, height, width, seed=seed)
    fuse = LaplacianPyramid()
    torch.testing.assert_close(fuse(first, second), fuse(second, first))
    torch.testing.assert_close(fuse(first, first), first)


def test_what_is_sharp_in_either_is_sharp_in_the_fused_image():
    scene = F.interpolate(images(1, 3, 24, 32), scale_factor=3, mode="nearest")
    blurred = F.avg_pool2d(scene, 9, stride=1, padding=4, count_include_pad=False)
    left = torch.arange(96).expand_as(scene) < 48
    first, second = scene.where(left, blurred), scene.where(~left, blurred)
    fused = LaplacianPyramid()(first, second)

    def error(image: torch.Tensor) -> float:
        return float((image - scene)[..., 8:-8].square().mean())

    assert error(fused) < 0.1 * min(error(first), error(second), error((first + second) / 2))


def test_a_lone_coefficient_is_outvoted_by_its_neighbours():
    flat = torch.full((1, 3, 32, 32), 0.5, dtype=torch.float64)
    checks = torch.arange(32).view(-1, 1) + torch.arange(32)
    first = flat + 0.1 * (1 - 2 * (checks % 2))
    spike = flat.clone()
    spike[..., 16, 16] += 0.2
    fused = LaplacianPyramid()(first, spike)
    detail = laplacian_pyramid(fused)[0] - laplacian_pyramid(first)[0]
    alone = laplacian_pyramid(spike)[0][..., 16, 16].abs() > laplacian_pyramid(first)[0][..., 16, 16].abs()
    assert alone.all()
    assert detail[..., 16, 16].abs().max() < 0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pictures_keep_their_dtype(dtype):
    first, second = images(2, 2, 3, 9, 14).to(dtype)
    assert LaplacianPyramid()(first, second).dtype == dtype
