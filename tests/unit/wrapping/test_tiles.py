"""A network in tiles: the map of the whole, where the network sees less than that."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bridgetune import AdapterConfig, wrap
from bridgetune.wrapping import Adapter, field, tiles
from bridgetune.wrapping.large import map_in_pieces
from bridgetune.wrapping.tiles import tiled
from bridgetune.wrapping.views import View


class Known(nn.Module):
    """Reaches 3 pixels and, through a pooling by four, 8; it keeps the sizes that it was shown."""

    def __init__(self, *more: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fine = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.GELU(), nn.Conv2d(4, 4, 5, padding=2), *more)
        self.coarse = nn.Sequential(nn.MaxPool2d(4), nn.Conv2d(4, 4, 3, padding=1), nn.Upsample(None, 4))
        self.head = nn.Conv2d(4, 1, 1)
        self.shown: list[tuple[int, ...]] = []

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.shown.append(tuple(first.shape[-2:]))
        found = self.fine(torch.cat([first, second], 1))
        answer: Tensor = 20 * self.head(found + self.coarse(found))
        return answer


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE", 48)
    monkeypatch.setattr(tiles, "BAND", 8)
    monkeypatch.setattr(tiles, "WHOLE", 20 * 20)
    monkeypatch.setattr(tiles, "OF_ALL", 12)


def pictures(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.random.default_rng(0).integers(0, 255, (2, height, width, 3), np.uint8, endpoint=True)
    return first, second


def whole(adapter: Adapter, *pair: np.ndarray) -> Tensor:
    images = (torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None] for image in pair)
    with torch.inference_mode():
        return adapter(*images)[0, 0]


def in_tiles(adapter: Adapter, *pair: np.ndarray) -> Tensor:
    with torch.inference_mode():
        return map_in_pieces(adapter, *pair, lambda share: None)


KNOWN = Known()


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    symmetric=st.booleans(),
    mirrored=st.booleans(),
    scales=st.sampled_from([(1,), (1, 1 / 2), (2, 1)]),
)
def test_tiles_say_what_the_whole_says(height: int, width: int, symmetric: bool, mirrored: bool, scales):
    config = AdapterConfig(multiple=4, symmetric=symmetric, mirrored=mirrored, scales=scales)
    adapter, pair = wrap(KNOWN, config).eval(), pictures(height, width)
    expected = whole(adapter, *pair)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "TILE", 48)
        patch.setattr(tiles, "BAND", 8)
        patch.setattr(tiles, "WHOLE", 20 * 20)
        found = in_tiles(adapter, *pair)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max().clamp_min(1)


def test_no_tile_is_larger_than_it_should_be_and_there_are_many():
    network = Known()
    in_tiles(wrap(network, AdapterConfig(multiple=4, overlap=12)).eval(), *pictures(150, 130))
    assert len(network.shown) == 2 * 2
    assert max(max(shown) for shown in network.shown) <= 3 * (2 * 12 + 8)


def test_too_little_overlap_shows():
    adapter, pair = wrap(Known(), AdapterConfig(multiple=4, overlap=1)).eval(), pictures(150, 130)
    assert (in_tiles(adapter, *pair) - whole(adapter, *pair)).abs().max() > 1e-3


def test_a_network_that_sees_the_whole_is_blended_and_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(field, "SIDES", (64,))
    adapter, pair = wrap(Known(nn.GroupNorm(1, 4)), AdapterConfig(multiple=4)).eval(), pictures(120, 130)
    with caplog.at_level(logging.WARNING):
        found = in_tiles(adapter, *pair)
        in_tiles(adapter.reconfigured(adapter.config.asked(True, None)), *pair)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("Known: what it says of a pixel depends on the whole picture, and ")
    assert "in tiles with 12 pixels around each" in line
    expected = whole(adapter, *pair)
    assert 0 < (found - expected).abs().mean() < 0.2 * expected.abs().mean()


def test_what_is_as_small_as_a_tile_is_shown_whole():
    network = Known()
    view = View(pictures(20, 18), AdapterConfig(multiple=4))
    tiles.map_in_tiles(wrap(network, AdapterConfig(multiple=4)).eval(), view, lambda share: None)
    assert network.shown == [(20, 20)]


@given(
    length=st.integers(1, 3000),
    side=st.integers(100, 300),
    margin=st.integers(0, 20),
    multiple=st.sampled_from([1, 4, 32]),
    band=st.sampled_from([2, 8]),
)
def test_tiles_cover_a_side_and_each_pixel_is_decided_well_within_one(
    length: int, side: int, margin: int, multiple: int, band: int
):
    length, side = (-(-size // multiple) * multiple for size in (length, side))
    tiling = tiled(length, side, margin, multiple, band)
    total = torch.zeros(length)
    for place, start in enumerate(tiling.starts):
        weights = tiling.weights(place)
        assert start % multiple == 0
        if start > 0:
            assert (weights[:margin] == 0).all()
        if start + tiling.side < length:
            assert (weights[tiling.side - margin :] == 0).all()
        total[start : start + tiling.side] += weights
    torch.testing.assert_close(total, torch.ones(length))
