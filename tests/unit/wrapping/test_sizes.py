"""Pictures of any size for networks of one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import avg_pool2d

from bridgetune import AdapterConfig
from bridgetune.wrapping.sizes import asked_at_one_side, extended

sides = st.integers(1, 70)


def ramp(height: int, width: int) -> tuple[Tensor, Tensor]:
    down, right = torch.meshgrid(torch.arange(height) / 70, torch.arange(width) / 70, indexing="ij")
    return torch.stack([down, right, down * right])[None], torch.zeros(1, 3, height, width)


@settings(max_examples=40)
@given(height=sides, width=sides, side=st.integers(2, 24))
def test_of_what_is_local_tiles_are_the_whole(height: int, width: int, side: int):
    first, second = ramp(height, width)
    shapes: set[tuple[int, ...]] = set()

    def ask(one: Tensor, other: Tensor) -> Tensor:
        shapes.add(tuple(one.shape[-2:]))
        return one[:, :1] - other[:, :1]

    answer = asked_at_one_side(ask, first, second, AdapterConfig(side=side))
    assert shapes == {(side, side)}
    torch.testing.assert_close(answer, first[:, :1] - second[:, :1])


def test_neighbouring_tiles_share_a_quarter_and_are_blended():
    first, second = ramp(16, 40)
    seen: list[float] = []

    def ask(one: Tensor, other: Tensor) -> Tensor:
        seen.append(round(float(one[0, 1, 0, 0]) * 70))
        return torch.full((1, 1, 16, 16), float(len(seen)))

    answer = asked_at_one_side(ask, first, second, AdapterConfig(side=16))[0, 0, 0]
    assert seen == [0, 12, 24]
    assert answer[0] == 1
    assert answer[-1] == 3
    assert (answer.diff() >= -1e-6).all()
    assert answer.diff().max() < 0.5, "no step where tiles meet"


@pytest.mark.parametrize("size", [(32, 32), (40, 24)])
def test_a_resized_pair_has_its_map_at_its_own_size(size: tuple[int, int]):
    first, second = ramp(*size)
    config = AdapterConfig(side=32, fit="resize")
    answer = asked_at_one_side(lambda one, _: one[:, :1], first, second, config)
    assert answer.shape == (1, 1, *size)
    torch.testing.assert_close(answer, first[:, :1], atol=0.02, rtol=0)


@settings(max_examples=30)
@given(height=sides, width=sides, step=st.integers(2, 12))
def test_patches_are_judged_at_their_centres(height: int, width: int, step: int):
    """The mean of a patch of a ramp is the ramp at the patch's centre: but for the rims, the ramp comes back, to half a
    pixel where patches have no middle one."""
    first, second = ramp(height, width)

    def ask(one: Tensor, _: Tensor) -> Tensor:
        assert one.shape[-2:] == (12, 12)
        return avg_pool2d(one[:, :2], 12)

    answer = asked_at_one_side(ask, first, second, AdapterConfig(side=12, fit="patches", step=step))
    assert answer.shape == (1, 2, height, width)
    rim = 18
    inside = (..., slice(rim, height - rim), slice(rim, width - rim))
    if height > 2 * rim and width > 2 * rim:
        torch.testing.assert_close(answer[inside], first[:, :2][inside], atol=0.6 / 70, rtol=0)


def test_reflection_goes_on_as_often_as_it_takes():
    row = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3)
    assert extended(row, (0, 0), (3, 4))[0, 0, 0].tolist() == [2, 3, 2, 1, 2, 3, 2, 1, 2, 3]
