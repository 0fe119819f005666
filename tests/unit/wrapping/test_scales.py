"""Several sizes: reducing, enlarging, and where the coarser ones count."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

from bridgetune import AdapterConfig, wrap
from bridgetune.regions import COIN, SURE
from bridgetune.wrapping.scales import combine_strip, combined, doubled, enlarged, halved, reduced, refined
from tests.support.adapted import PairConvolution, Recorder, pair


def test_an_image_is_reduced_by_means_of_squares_and_at_its_ends_by_what_is_inside():
    image = torch.arange(15.0).reshape(1, 1, 3, 5)
    expected = [[(0 + 1 + 5 + 6) / 4, (2 + 3 + 7 + 8) / 4, (4 + 9) / 2], [(10 + 11) / 2, (12 + 13) / 2, 14]]
    torch.testing.assert_close(reduced(image, 2)[0, 0], torch.tensor(expected))


@given(height=st.integers(1, 30), width=st.integers(1, 30), reduction=st.integers(2, 5), level=st.floats(-3, 3))
def test_an_even_image_stays_even_and_its_sides_are_covered(height: int, width: int, reduction: int, level: float):
    image = torch.full((1, 1, height, width), level)
    small = reduced(image, reduction)
    assert small.shape[2:] == (-(-height // reduction), -(-width // reduction))
    large = enlarged(small, reduction)[..., :height, :width]
    torch.testing.assert_close(large, image)


def test_enlarging_keeps_the_middles_of_pixels_aligned():
    row = enlarged(torch.tensor([[[[0.0, 4.0]]]]), 2)
    assert row[0, 0, 0].tolist() == [0, 1, 3, 4]


def test_a_pair_is_doubled_between_the_middles_of_its_pixels_and_its_map_halved_by_means():
    assert doubled(torch.tensor([[[[0.0, 4.0]]]]))[0, 0].tolist() == [[0, 1, 3, 4]] * 2
    assert halved(torch.tensor([[[[0.0, 1.0, 2.0, 8.0], [2.0, 5.0, -4.0, 6.0]]]])).tolist() == [[[[2, 3]]]]


@given(height=st.integers(1, 30), width=st.integers(1, 30), level=st.floats(-3, 3))
def test_an_even_image_stays_even_when_it_is_doubled_and_halved(height: int, width: int, level: float):
    image = torch.full((1, 1, height, width), level)
    large = doubled(image)
    assert large.shape[2:] == (2 * height, 2 * width)
    torch.testing.assert_close(halved(large), image)


def test_the_full_size_and_the_enlarged_count_alike():
    own, other = torch.tensor([[[[1.0, -3.0]]]]), torch.tensor([[[[4.0, 1.0]]]])
    assert refined(own, other).tolist() == refined(other, own).tolist() == [[[[2.5, -1]]]]


def test_coarser_maps_count_where_little_around_a_pixel_is_sure():
    finest = torch.full((1, 1, 60, 100), 0.5)
    finest[..., 50:] = 33
    found = combined(finest, [torch.full_like(finest, -1), torch.full_like(finest, 3)])
    unsure = 50 - 16 + 13  # of 33 columns around the pixel before this, 13 are sure, and around this one 14
    assert (found[..., :unsure] == 0.5 + 2 * (-1 + 3)).all()
    assert torch.equal(found[..., unsure:], finest[..., unsure:])


def test_coarser_maps_count_for_a_pixel_that_throws_a_coin_among_the_sure():
    finest = torch.full((1, 1, 40, 40), 8.0)
    finest[..., 20, 20], finest[..., 20, 30] = -COIN, -1.1 * COIN
    found = combined(finest, [torch.ones_like(finest)])
    assert found[..., 20, 20] == 2 - COIN
    finest[..., 20, 20] = 2 - COIN
    assert torch.equal(found, finest)


@pytest.mark.parametrize("sides", [(1, 1), (1, 40), (20, 3)])
def test_in_small_pictures_the_share_is_of_what_is_there(sides: tuple[int, int]):
    unsure, sure = torch.full((1, 1, *sides), SURE), torch.full((1, 1, *sides), -1.01 * SURE)
    assert torch.equal(combined(unsure, [torch.ones_like(unsure)]), unsure + 2)
    assert torch.equal(combined(sure, [torch.ones_like(sure)]), sure)


def test_what_is_huge_somewhere_makes_nothing_beside_it_sure():
    finest = torch.zeros(1, 1, 40, 80)
    finest[..., 0] = 1e30
    found = combined(finest, [torch.ones_like(finest)])
    assert (found[..., 1:] == 2).all()


@given(height=st.integers(1, 80), start=st.integers(0, 79), rows=st.integers(1, 40))
def test_a_strip_is_combined_as_it_is_in_the_whole(height: int, start: int, rows: int):
    start = min(start, height - 1)
    strip = slice(start, min(start + rows, height))
    random = torch.Generator().manual_seed(height)
    finest, coarser = torch.randn(2, 1, 1, height, 40, generator=random) * 3
    assert torch.equal(combine_strip(finest, coarser[..., strip, :], strip), combined(finest, [coarser])[..., strip, :])


@pytest.mark.parametrize("sides", [(7, 9), (40, 70)])
@pytest.mark.parametrize("ways", [{}, {"symmetric": True, "mirrored": True}])
def test_of_a_pair_enlarged_twice_the_mean_with_full_size_counts(sides: tuple[int, int], ways: dict[str, bool]):
    plain = wrap(PairConvolution(), AdapterConfig(multiple=4, **ways)).eval()
    finer = plain.reconfigured(plain.config.asked(None, None, (2, 1)))
    first, second = pair(*sides)
    large = (interpolate(image, scale_factor=2, mode="bilinear", align_corners=False) for image in (first, second))
    own, enlarged = plain(first, second), avg_pool2d(plain(*large), 2)
    torch.testing.assert_close(finer(first, second), (own + enlarged) / 2)
    assert not torch.allclose(own, enlarged, atol=0.01)


def test_where_the_mean_with_the_enlarged_is_unsure_coarser_sizes_count():
    network = Recorder(lambda image: image[:, :1] * 2)
    plain = wrap(network, AdapterConfig()).eval()
    finer = plain.reconfigured(AdapterConfig(scales=(2, 1, 1 / 2)))
    first, second = torch.full((1, 3, 40, 40), 0.9), torch.zeros(1, 3, 40, 40)
    torch.testing.assert_close(finer(first, second), 3 * plain(first, second))
    scaled = Recorder(lambda image: image[:, :1] * (4 if image.shape[-1] == 80 else 2))
    sure = wrap(scaled, AdapterConfig(scales=(2, 1, 1 / 2))).eval()(first, second)
    torch.testing.assert_close(sure, torch.full_like(sure, (1.8 + 3.6) / 2)), "by itself full size would be unsure"


@pytest.mark.parametrize("scales", [(2, 1), (2, 1, 1 / 2)])
def test_in_training_nothing_is_enlarged(scales: tuple[float, ...]):
    plain = wrap(PairConvolution(), AdapterConfig(scales=scales[1:])).train()
    finer = plain.reconfigured(AdapterConfig(scales=scales))
    images = pair()
    assert torch.equal(finer(*images), plain(*images))
    assert not torch.equal(finer.eval()(*images), plain.eval()(*images))


@pytest.mark.parametrize(
    "config",
    [
        AdapterConfig(call="concat", side=16),
        AdapterConfig(call="concat", side=16, fit="resize"),
        AdapterConfig(call="concat", multiple=4, minimum=32),
    ],
)
def test_networks_of_certain_sides_are_shown_the_enlarged_pair_as_any_other(config: AdapterConfig):
    plain = wrap(nn.Conv2d(6, 1, 1), config).eval()
    finer = plain.reconfigured(config.asked(None, None, (2, 1)))
    first, second = pair(24, 20)
    large = (interpolate(image, scale_factor=2, mode="bilinear") for image in (first, second))
    expected = (plain(first, second) + avg_pool2d(plain(*large), 2)) / 2
    torch.testing.assert_close(finer(first, second), expected)


def test_patches_and_maps_of_lower_resolution_lie_closer_in_the_enlarged_pair():
    patches = AdapterConfig(call="concat", side=8, fit="patches", step=4)
    coarse = AdapterConfig(call="concat", multiple=4, stride=4)
    for config, layer in ((patches, nn.Conv2d(6, 1, 8)), (coarse, nn.Conv2d(6, 1, 4, stride=4))):
        plain = wrap(layer, config).eval()
        finer = plain.reconfigured(config.asked(None, None, (2, 1)))
        first, second = pair(24, 20)
        large = (interpolate(image, scale_factor=2, mode="bilinear") for image in (first, second))
        expected = (plain(first, second) + avg_pool2d(plain(*large), 2)) / 2
        torch.testing.assert_close(finer(first, second), expected)
