from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.data import disk_blurs, gaussian_blur, gaussian_blurs, random_kernel_size
from bridgetune.data.blur import LARGEST_SUMMED, quick_disk_blurs, ring_blurs, wide_gaussian_blurs
from bridgetune.errors import RequestError

cv2 = pytest.importorskip("cv2")


@pytest.mark.parametrize("kernel_size", range(1, 33, 2))
@pytest.mark.parametrize("size", [(40, 52), (7, 30), (2, 3), (1, 5)])
def test_the_blur_is_opencvs(rng, kernel_size, size):
    image = rng.random((*size, 3), np.float32)
    sigma = 0.3 * ((kernel_size - 1) * 0.5 - 1) + 0.8  # OpenCV's documentation of getGaussianKernel
    expected = cv2.GaussianBlur(image, (kernel_size, kernel_size), sigma).reshape(image.shape)
    blurred = gaussian_blur(torch.from_numpy(image).permute(2, 0, 1), kernel_size)
    np.testing.assert_allclose(blurred.permute(1, 2, 0), expected, atol=1e-5)


@pytest.mark.parametrize("kernel_size", [11, 15, 21])
def test_the_sigma_is_what_opencv_takes_when_only_the_size_is_given(rng, kernel_size):
    image = rng.random((40, 52), np.float32)
    expected = cv2.GaussianBlur(image, (kernel_size, kernel_size), 0)
    np.testing.assert_allclose(gaussian_blur(torch.from_numpy(image), kernel_size), expected, atol=1e-5)


@given(kernel_size=st.integers(0, 15).map(lambda half: 2 * half + 1), height=st.integers(1, 9))
def test_a_flat_image_stays_as_it_is(kernel_size, height):
    flat = torch.full((3, height, 4), 0.3)
    torch.testing.assert_close(gaussian_blur(flat, kernel_size), flat)


def test_a_batch_is_blurred_as_its_images_are():
    batch = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    blurred = gaussian_blur(batch, 7)
    for image, expected in zip(batch, blurred, strict=True):
        assert torch.equal(gaussian_blur(image, 7), expected)


def test_the_given_image_is_left_alone_and_its_dtype_kept():
    image = torch.rand(3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    before = image.clone()
    assert gaussian_blur(image, 5).dtype == torch.float64
    assert torch.equal(image, before)


@pytest.mark.parametrize("kernel_size", [0, 2, -3])
def test_only_odd_kernels_blur(kernel_size):
    with pytest.raises(RequestError, match="odd"):
        gaussian_blur(torch.zeros(3, 4, 4), kernel_size)


@given(seed=st.integers(0, 2**32), low=st.integers(0, 9), more=st.integers(0, 9))
def test_a_random_kernel_size_is_odd_and_in_range(seed, low, more):
    low = 2 * low + 1
    high = low + 2 * more
    size = random_kernel_size(np.random.default_rng(seed), low, high)
    assert size % 2 == 1
    assert low <= size <= high


def test_every_odd_size_from_3_to_21_is_about_equally_likely(rng):
    drawn = [random_kernel_size(rng) for _ in range(5000)]
    sizes, counts = np.unique(drawn, return_counts=True)
    assert sizes.tolist() == list(range(3, 22, 2))
    # 500 each on average, with a standard deviation of 21.
    assert counts.min() > 400
    assert counts.max() < 600


@pytest.mark.parametrize(("low", "high"), [(2, 5), (3, 6), (7, 5), (-1, 3)])
def test_a_range_that_is_not_between_odd_sizes_is_refused(rng, low, high):
    with pytest.raises(RequestError, match=rf"\({low}, {high}\)"):
        random_kernel_size(rng, low, high)


@given(
    sizes=st.lists(st.integers(0, 12).map(lambda half: 2 * half + 1), min_size=1, max_size=4),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
)
def test_each_image_of_a_batch_has_a_kernel_of_its_own(sizes, height, width):
    batch = torch.rand(len(sizes), 3, height, width, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([gaussian_blur(image, size) for image, size in zip(batch, sizes, strict=True)])
    torch.testing.assert_close(gaussian_blurs(batch, sizes), expected, rtol=0, atol=1e-6)


@given(half=st.integers(1, 45), value=st.floats(0, 1))
def test_rings_leave_an_even_surface_as_it_is(half, value):
    surface = torch.full((1, 3, 30, 20), value)
    torch.testing.assert_close(ring_blurs(surface, [2 * half + 1]), surface, rtol=0, atol=1e-5)


def test_rings_spread_a_point_over_about_the_disk_of_the_rays_with_rings_in_it():
    point = torch.zeros(1, 1, 101, 101)
    point[..., 50, 50] = 1
    spread = ring_blurs(point, [41])[0, 0]
    distance = torch.from_numpy(np.hypot(*np.meshgrid(np.arange(-50, 51), np.arange(-50, 51))))
    assert spread[distance <= 22].sum().item() == pytest.approx(1, abs=0.05)
    profile = spread[50, 50:72]
    signs = profile.diff().sign()
    assert (signs[1:] != signs[:-1]).sum() >= 4, "from the middle to the rim it rises and falls"
    assert torch.allclose(spread, spread.T, atol=1e-7)


@pytest.mark.parametrize("size", [(60, 70), (9, 30)])
def test_a_wide_gaussian_is_the_gaussian(size):
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    kernels = [33, 81]
    torch.testing.assert_close(wide_gaussian_blurs(images, kernels), gaussian_blurs(images, kernels), rtol=0, atol=1e-5)


def test_a_disk_too_large_to_be_summed_is_the_sum_all_the_same():
    image = torch.rand(1, 1, 50, 40, generator=torch.Generator().manual_seed(0))
    size = LARGEST_SUMMED + 10
    offsets = np.arange(-(size // 2), size // 2 + 1)
    disk = (size / 2 + 0.5 - np.hypot(offsets[:, None], offsets)).clip(0, 1)
    expected = cv2.filter2D(image[0, 0].numpy(), -1, disk / disk.sum(), borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(disk_blurs(image, [size])[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("size", [(60, 70), (9, 30), (1, 5)])
def test_quick_disks_are_the_disks(size):
    images = torch.rand(3, 2, 80, 90, generator=torch.Generator().manual_seed(0))[..., : size[0], : size[1]]
    kernels = [1, 9, 35]
    torch.testing.assert_close(quick_disk_blurs(images, kernels), disk_blurs(images, kernels), rtol=0, atol=1e-6)
