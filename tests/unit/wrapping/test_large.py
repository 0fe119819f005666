"""The adapter on pictures that are read a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bridgetune import AdapterConfig, wrap
from bridgetune.wrapping import Adapter, large
from bridgetune.wrapping.large import map_in_pieces


class Strips(nn.Module):
    """Compares brightness with that three rows below, by whole numbers where its input is: no rounding differs."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[int, ...]] = []

    def forward(self, first: Tensor, second: Tensor) -> tuple[str, Tensor]:
        self.shown.append(tuple(first.shape))
        apart = first[:, :1] - 2 * second[:, -1:]
        return "a map", apart + apart.roll(3, 2).abs()

    def in_strips(
        self, rows: Callable[[int, int], Sequence[Tensor]], height: int, width: int, progress: Callable[[float], None]
    ) -> tuple[str, Tensor]:
        parts: list[Sequence[Tensor]] = []
        for start in range(0, height, 7):
            parts.append(rows(start, min(start + 7, height)))
            progress(min(start + 7, height) / height)
        return self(*(torch.cat(strips, 2) for strips in zip(*parts, strict=True)))


class Joined(Strips):
    """The same for `concat` and channels last."""

    def forward(self, images: Tensor) -> tuple[str, Tensor]:  # type: ignore[override]
        first, second = images.permute(0, 3, 1, 2).split(images.shape[3] // 2, dim=1)
        name, map_ = super().forward(first, second)
        return name, map_.permute(0, 2, 3, 1)

    def in_strips(
        self, rows: Callable[[int, int], Sequence[Tensor]], height: int, width: int, progress: Callable[[float], None]
    ) -> tuple[str, Tensor]:
        return self(torch.cat([rows(start, start + 1)[0] for start in range(height)], 1))


def pictures(height: int, width: int, kind: type[np.uint8 | np.uint16] = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (2, height, width, 3), kind, endpoint=True)
    return first, second


def whole(adapter: Adapter, *pair: np.ndarray) -> Tensor:
    images = (torch.from_numpy(image.astype(np.float32) / np.iinfo(image.dtype).max) for image in pair)
    with torch.inference_mode():
        return adapter(*(image.permute(2, 0, 1)[None] for image in images))[0, 0]


def in_pieces(adapter: Adapter, *pair: np.ndarray, progress: Callable[[float], None] = lambda share: None) -> Tensor:
    with torch.inference_mode():
        return map_in_pieces(adapter, *pair, progress)


@settings(deadline=None)
@given(
    height=st.integers(1, 50),
    width=st.integers(1, 50),
    kind=st.sampled_from([np.uint8, np.uint16]),
    symmetric=st.booleans(),
    mirrored=st.booleans(),
    scales=st.sampled_from([(1,), (1, 1 / 2), (1, 1 / 2, 1 / 4), (1, 1 / 3), (2, 1), (2, 1, 1 / 2)]),
    color=st.sampled_from(["rgb", "gray"]),
    joined=st.booleans(),
    strip=st.sampled_from([5, 17, 256]),
)
def test_pieces_say_what_the_whole_says(height, width, kind, symmetric, mirrored, scales, color, joined, strip):
    config = AdapterConfig(
        call="concat" if joined else "pair",
        layout="channels last" if joined else "channels first",
        color=color,
        value_range=(-8, 8),
        item=1,
        multiple=8,
        orientation="second",
        symmetric=symmetric,
        mirrored=mirrored,
        scales=scales,
    )
    adapter = wrap(Joined() if joined else Strips(), config).eval()
    pair = pictures(height, width, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "STRIP", strip)
        assert torch.equal(in_pieces(adapter, *pair), whole(adapter, *pair))


def test_the_coarser_sizes_count_in_pieces_too():
    pair = pictures(40, 30)
    adapter = wrap(Strips(), AdapterConfig(item=1, scales=(1, 1 / 2))).eval()
    alone = wrap(Strips(), AdapterConfig(item=1)).eval()
    assert not torch.equal(in_pieces(adapter, *pair), in_pieces(alone, *pair))


def test_the_enlarged_pair_counts_in_pieces_too():
    pair = pictures(40, 30)
    adapter = wrap(Strips(), AdapterConfig(item=1, scales=(2, 1))).eval()
    alone = wrap(Strips(), AdapterConfig(item=1)).eval()
    assert not torch.equal(in_pieces(adapter, *pair), in_pieces(alone, *pair))


def test_beyond_a_size_the_orders_are_asked_one_after_the_other(monkeypatch: pytest.MonkeyPatch):
    network = Strips()
    adapter = wrap(network, AdapterConfig(item=1, symmetric=True)).eval()
    pair = pictures(12, 9)
    together = in_pieces(adapter, *pair)
    assert network.shown == [(2, 3, 12, 9)]
    monkeypatch.setattr(large, "TOGETHER", 12 * 9 - 1)
    assert torch.equal(in_pieces(adapter, *pair), together)
    assert network.shown[1:] == [(1, 3, 12, 9)] * 2


@pytest.mark.parametrize("scales", [(1, 1 / 2), (2, 1, 1 / 2)])
def test_the_share_that_is_done_grows_to_one(scales: tuple[float, ...]):
    told: list[float] = []
    adapter = wrap(Strips(), AdapterConfig(item=1, symmetric=True, mirrored=True, scales=scales)).eval()
    in_pieces(adapter, *pictures(30, 20), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    assert max(np.diff([0, *told])) < 0.1


def test_the_enlarged_pair_takes_four_fifths_of_the_time_of_both():
    network, told = Strips(), list[tuple[int, float]]()
    adapter = wrap(network, AdapterConfig(item=1, scales=(2, 1))).eval()
    in_pieces(adapter, *pictures(14, 20), progress=lambda share: told.append((len(network.shown), share)))
    assert network.shown == [(1, 3, 28, 40), (1, 3, 14, 20)]
    assert max(share for asked, share in told if asked == 0) == pytest.approx(4 / 5)
