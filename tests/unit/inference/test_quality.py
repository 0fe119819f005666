"""How often a network is asked, by quality and size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, Evaluator, Generator, RequestError, wrap
from bridgetune.inference import Queries, fuse_pictures, quality
from bridgetune.inference.quality import AS_SAVED
from bridgetune.pictures import Picture
from bridgetune.wrapping import Adapter

SMALL, LARGE = (AS_SAVED // 1000, 1000), (AS_SAVED // 1000, 1001)

Ways = tuple[bool, bool, tuple[float, ...]]
ONCE: Ways = (False, False, (1.0,))
BOTH: Ways = (True, False, (1.0,))
ALL: Ways = (True, True, (1.0, 0.5, 0.25))
BEST: Ways = (True, True, (2.0, 1.0, 0.5, 0.25))


class Red(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first[:, :1] - second[:, :1]


def generator(ways: Ways = ALL) -> Adapter:
    return wrap(Red(), AdapterConfig().asked(*ways)).eval()


def ways(queries: Queries, size: tuple[int, int], saved: Ways = ALL) -> Ways:
    asked = queries.of(generator(saved), size)
    assert isinstance(asked, Adapter)
    return asked.config.symmetric, asked.config.mirrored, asked.config.scales


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(("name", "expected"), [("fast", ONCE), ("good", BOTH), ("best", BEST)])
def test_a_quality_that_is_named_counts_for_every_size_and_generator(name: Any, expected: Ways, size: tuple[int, int]):
    assert ways(Queries(name), size) == ways(Queries(name), size, ONCE) == expected


@pytest.mark.parametrize(("size", "expected"), [(SMALL, ALL), (LARGE, BOTH)])
def test_by_itself_the_size_decides(size: tuple[int, int], expected: Ways):
    assert ways(Queries(), size) == expected


@pytest.mark.parametrize(("size", "expected"), [(SMALL, BEST), (LARGE, BOTH)])
def test_by_itself_small_pictures_are_enlarged_where_the_generator_was_saved_so(size: tuple[int, int], expected: Ways):
    assert ways(Queries(), size, BEST) == expected


@pytest.mark.parametrize("saved", [ONCE, (False, False, (1.0, 1 / 3)), (False, True, (1.0,))])
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_by_itself_a_network_is_never_asked_more_than_it_was_saved_for(saved: Ways, size: tuple[int, int]):
    found = ways(Queries(), size, saved)
    assert all(asked <= most for asked, most in zip(found[:2], saved[:2], strict=True))
    assert set(found[2]) <= set(saved[2])


def test_what_is_said_of_one_way_is_kept_to():
    assert ways(Queries("fast", mirrored=True), SMALL) == (False, True, (1.0,))
    assert ways(Queries("best", scales=(1.0, 1 / 3)), SMALL) == (True, True, (1.0, 1 / 3))
    assert ways(Queries(mirrored=True), LARGE) == (True, True, (1.0,))


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_as_saved_the_very_generator_is_asked(size: tuple[int, int]):
    saved = generator()
    assert Queries("saved").of(saved, size) is saved


def test_what_says_itself_how_often_it_asks_is_left_alone():
    class Own(Generator):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            return first[:, :1]

    own, mean = Own(), Evaluator("mean", lambda first, second: (first + second) / 2)
    assert Queries("fast").of(own, LARGE) is own
    assert Queries().of(mean, LARGE) is mean
    with pytest.raises(RequestError, match=r"mean is an evaluator, which has no such choice; leave it out"):
        Queries("best").of(mean, SMALL)


def test_fusing_asks_so_and_leaves_modes_as_they_were(monkeypatch: pytest.MonkeyPatch):
    class Counting(Red):
        asked = 0

        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            self.asked += len(first)
            return super().forward(first, second)

    monkeypatch.setattr(quality, "AS_SAVED", 5)
    adapter = wrap(Counting(), AdapterConfig(symmetric=True, mirrored=True)).train()
    network = adapter.network
    picture = Picture(torch.zeros(2, 3, 3, dtype=torch.uint8).numpy(), gray=False)
    fuse_pictures(adapter, picture, picture)
    assert network.asked == 8
    fuse_pictures(adapter, picture, picture, queries=Queries())
    assert network.asked == 10
    fuse_pictures(adapter, picture, picture, "released", queries=Queries("fast"))
    assert network.asked == 11
    assert adapter.training
    assert network.training
