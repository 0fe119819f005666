"""From a generator to a program of torch's own operators."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bridgetune import AdapterConfig, WorkError, wrap
from bridgetune.exporting.tracing import least_side, sample_pairs, trace
from bridgetune.wrapping.adapter import TOGETHER, padded_side

configs = st.builds(
    lambda multiple, minimum, scales: AdapterConfig(call="concat", multiple=multiple, minimum=minimum, scales=scales),
    st.integers(1, 40),
    st.integers(1, 70),
    st.sampled_from([(1,), (1, 1 / 2, 1 / 4), (1, 1 / 3), (2, 1), (2, 1, 1 / 2)]),
)


@given(configs)
def test_from_the_least_side_on_one_reflection_pads_any_side_at_any_scale(config: AdapterConfig):
    least = least_side(config)
    for side in range(least, least + 2 * config.multiple):
        for reduced in (math.ceil(side / reduction) for reduction in config.reductions):
            assert reduced >= max(2, config.minimum)
            padded = padded_side(reduced, config.multiple, config.minimum)
            assert padded - reduced <= reduced - 1
            assert padded >= 2 * config.multiple, "or a map inside the network may have a side of 1"


@given(configs)
def test_open_sides_are_tried_with_sides_that_hide_nothing_from_the_trace(config: AdapterConfig):
    pairs = sample_pairs(config, "dynamic")
    assert all(first.shape == second.shape and first.shape[0] <= 2 for first, second in pairs)
    assert all(min(first.shape[2:]) >= least_side(config) for first, _ in pairs)
    height, width = pairs[-1][0].shape[2:]
    assert height != width
    if config.multiple > 1:
        assert (height % config.multiple, width % config.multiple) != (0, 0)


def test_a_fixed_size_is_tried_with_each_image_first():
    (first, second), (other, one) = sample_pairs(AdapterConfig(), (30, 64))
    assert first.shape == (1, 3, 30, 64)
    assert torch.equal(first, one)
    assert torch.equal(second, other)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("multiple", "scales"),
    [(1, (1,)), (4, (1,)), (1, (1, 1 / 2, 1 / 3)), (8, (1, 1 / 4)), (1, (2, 1)), (8, (2, 1, 1 / 2))],
)
def test_a_program_for_any_size_answers_as_the_adapter(multiple: int, scales: tuple[float, ...]):
    torch.manual_seed(0)
    made = wrap(nn.Conv2d(6, 1, 3, padding=1), AdapterConfig(call="concat", multiple=multiple, scales=scales)).eval()
    program, least = trace(made, "dynamic", {}).module(), least_side(made.config)
    for batch, height, width in ((1, least, least + 4), (3, least + 7, least + 3), (2, least + 36, least + 1)):
        first, second = torch.rand(2, batch, 3, height, width)
        torch.testing.assert_close(program(first, second), made(first, second))


@pytest.mark.parametrize("scales", [(1,), (2, 1)])
def test_a_program_for_any_size_takes_pictures_whose_mirror_images_the_adapter_asks_about_one_by_one(
    scales: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(0)
    config = AdapterConfig(call="concat", symmetric=True, mirrored=True, scales=scales)
    made = wrap(nn.Conv2d(6, 1, 3, padding=1), config).eval()
    program = trace(made, "dynamic", {}).module()
    first, second = torch.rand(2, 1, 3, 363, 364)
    assert first[:, 0].numel() > TOGETHER
    torch.testing.assert_close(program(first, second), made(first, second))


@pytest.mark.parametrize("sides", [(13, 22), (16, 32)])
def test_a_program_for_one_size_enlarges_as_the_adapter_does(sides: tuple[int, int]):
    torch.manual_seed(0)
    config = AdapterConfig(call="concat", multiple=8, mirrored=True, scales=(2, 1, 1 / 2))
    made = wrap(nn.Conv2d(6, 1, 3, padding=1), config).eval()
    first, second = torch.rand(2, 1, 3, *sides)
    torch.testing.assert_close(trace(made, sides, {}).module()(first, second), made(first, second))


@torch.library.custom_op("bridgetune_tracing_test::doubled", mutates_args=())
def doubled(x: Tensor) -> Tensor:
    return x * 2


@doubled.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


class OwnOperator(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return doubled(first - second).mean(1, keepdim=True)


def test_an_operator_of_ones_own_is_refused_unless_something_stands_for_it():
    made, size = wrap(OwnOperator(), AdapterConfig()), (8, 8)
    with pytest.raises(WorkError, match=r"^the network uses bridgetune_tracing_test::doubled, .*bridgetune_operators"):
        trace(made, size, {})
    program = trace(made, size, {torch.ops.bridgetune_tracing_test.doubled.default: lambda x: x + x}).module()
    first, second = torch.rand(2, 1, 3, *size)
    torch.testing.assert_close(program(first, second), made(first, second))
