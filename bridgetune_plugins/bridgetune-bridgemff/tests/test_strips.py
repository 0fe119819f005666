"""Large pictures in strips: what the network says of the whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bridgetune.protocol import InStrips
from bridgetune_bridgemff import native, strips
from bridgetune_bridgemff.network import BridgeMFF
from bridgetune_bridgemff.scan import VARIABLE

without_native = pytest.mark.skipif(bool(native.problem()), reason=native.problem())


def network() -> BridgeMFF:
    """With norms whose factors are of either sign."""
    torch.manual_seed(0)
    made = BridgeMFF("mamba").eval()
    for norm in made.modules():
        if isinstance(norm, nn.GroupNorm | nn.LayerNorm):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    return made


def pair(batch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(height * width)
    first, second = torch.rand(2, batch, 3, height, width, generator=random) * 2 - 1
    return first, second


def both(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, list[float]]:
    """The answers of the whole and in strips, and what was told on the way."""
    made, told = network(), []
    with torch.inference_mode():
        whole = made(first, second)
        parts = made.in_strips(
            lambda start, stop: (first[:, :, start:stop], second[:, :, start:stop]), *first.shape[2:], told.append
        )
    return whole, parts, told


@without_native
@settings(max_examples=12, deadline=None)
@given(
    batch=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    rows=st.sampled_from([32, 64, 96]),
    large=st.booleans(),
)
def test_natively_strips_are_the_whole_to_the_bit(batch: int, height: int, width: int, rows: int, large: bool):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips, "ROWS", rows)
        patch.setattr(strips, "LARGE", 0 if large else 10**9)
        whole, parts, _ = both(*pair(batch, 32 * height, 32 * width))
    assert torch.equal(parts, whole)


@pytest.mark.parametrize(("batch", "large"), [(1, 0), (2, 10**9)])
def test_in_torch_operations_strips_are_the_whole_within_rounding(
    batch: int, large: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VARIABLE, "torch")
    monkeypatch.setattr(strips, "LARGE", large)
    whole, parts, _ = both(*pair(batch, 160, 96))
    assert (parts - whole).abs().max() <= 1e-5 * whole.abs().max()


@pytest.mark.parametrize("large", [0, 10**9])
def test_the_share_that_is_done_grows_to_the_end(large: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strips, "LARGE", large)
    _, _, told = both(*pair(2, 192, 64))
    assert told == sorted(told)
    assert 0 < told[0] < 0.2
    assert 0.9 < told[-1] <= 1


def test_the_network_says_that_it_can():
    assert isinstance(network(), InStrips)
    assert not isinstance(nn.Conv2d(3, 1, 1), InStrips)
