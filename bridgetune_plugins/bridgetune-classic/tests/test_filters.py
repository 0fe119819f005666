import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune_classic.filters import box_mean, guided_filter

SIDES = st.integers(1, 12)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(height=SIDES, width=SIDES, reach=st.integers(0, 8))
def test_box_mean_is_the_mean_of_what_lies_in_the_window(height, width, reach):
    image = noise(2, 3, height, width)
    found = box_mean(image, reach)
    for row, column in ((0, 0), (height // 2, width // 2), (height - 1, width // 3)):
        rows = slice(max(row - reach, 0), row + reach + 1)
        columns = slice(max(column - reach, 0), column + reach + 1)
        torch.testing.assert_close(found[..., row, column], image[..., rows, columns].mean((-2, -1)))


@settings(max_examples=30, deadline=None)
@given(height=SIDES, width=SIDES, reach=st.integers(0, 8))
def test_guided_filter_keeps_a_constant_and_is_linear(height, width, reach):
    guide, image, other = noise(3, 1, 1, height, width)
    constant = torch.full_like(guide, 0.3)
    torch.testing.assert_close(guided_filter(constant, guide, reach, 1e-3), constant)
    together = guided_filter(2 * image - other, guide, reach, 1e-3)
    apart = 2 * guided_filter(image, guide, reach, 1e-3) - guided_filter(other, guide, reach, 1e-3)
    torch.testing.assert_close(together, apart)


def test_guided_filter_averages_where_the_guide_is_flat_and_keeps_its_strong_edges():
    flat, image = torch.full((1, 1, 9, 40), 0.5, dtype=torch.float64), noise(1, 1, 9, 40)
    torch.testing.assert_close(guided_filter(image, flat, 2, 1e-3), box_mean(box_mean(image, 2), 2))
    edge = torch.zeros_like(flat)
    edge[..., 20:] = 1
    torch.testing.assert_close(guided_filter(edge, edge, 4, 1e-6), edge, atol=1e-4, rtol=0)
    assert guided_filter(edge, flat, 4, 1e-6)[0, 0, 4, 20] == pytest.approx(0.5, abs=0.1)  # no guide, no edge
