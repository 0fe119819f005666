"""Logits of pictures of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, Generator, wrap
from bridgetune.inference import asked_logits, asking
from bridgetune.inference.asking import asked_of_all, fits_together


class Red(nn.Module):
    """How much redder the first image is; it tells how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.asked.append("whole")
        return first[:, :1] - second[:, :1]

    def in_strips(self, rows, height, width, progress):
        self.asked.append("strips")
        progress(0.5)
        first, second = rows(0, height)
        return first[:, :1] - second[:, :1]


class Plain(Generator):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first - second).mean(1, keepdim=True)


def pair(kind: type[np.uint8 | np.uint16] = np.uint8, height: int = 6, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (2, height, width, 3), kind, endpoint=True)
    return first, second


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("most", [29, 30])
def test_only_large_pairs_are_asked_about_in_strips(
    kind: type[np.uint8 | np.uint16], most: int, monkeypatch: pytest.MonkeyPatch
):
    network, (first, second) = Red(), pair(kind)
    monkeypatch.setattr(asking, "IN_STRIPS", most)
    logits = asked_logits(wrap(network, AdapterConfig()).eval(), first, second)
    assert network.asked == (["strips"] if most == 29 else ["whole"])
    assert logits.dtype == np.float32
    full = np.float32(np.iinfo(kind).max)
    assert np.array_equal(logits, first[..., 0] / full - second[..., 0] / full)


@pytest.mark.parametrize("most", [119, 120])
def test_an_enlarged_pair_counts_as_large_as_it_is_shown(most: int, monkeypatch: pytest.MonkeyPatch):
    network, images = Red(), pair()
    monkeypatch.setattr(asking, "IN_STRIPS", most)
    generator = wrap(network, AdapterConfig(scales=(2, 1))).eval()
    logits = asked_logits(generator, *images)
    assert network.asked == ["strips" if most == 119 else "whole"] * 2
    monkeypatch.setattr(asking, "IN_STRIPS", 1000)
    assert np.array_equal(logits, asked_logits(generator, *images))


class Reddest(nn.Module):
    def forward(self, images: list[Tensor]) -> Tensor:
        return torch.cat([image[:, :1] for image in images], 1)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_network_of_any_number_of_images_is_asked_of_all_at_once(kind: type[np.uint8 | np.uint16]):
    generator = wrap(Reddest(), AdapterConfig(call="list", frames="any", output="softmax")).eval()
    frames = [*pair(kind), *pair(kind)[::-1]]
    scores = asked_of_all(generator, frames)
    assert scores.dtype == np.float32
    assert np.array_equal(scores, np.stack(frames)[..., 0] / np.float32(np.iinfo(kind).max))


def test_only_what_takes_any_number_of_images_and_few_pixels_is_asked_so():
    config = AdapterConfig(call="list", frames="any", output="softmax")
    for takes, generator in ((True, wrap(Reddest(), config)), (False, wrap(Red(), AdapterConfig())), (False, Plain())):
        assert fits_together(generator, 4, (1000, 1000)) == takes
    assert not fits_together(wrap(Reddest(), config), 9, (1000, 1000))


def test_a_generator_of_any_kind_is_asked():
    first, second = pair()
    expected = Plain()(*(torch.from_numpy(image / np.float32(255)).permute(2, 0, 1)[None] for image in (first, second)))
    assert np.array_equal(asked_logits(Plain(), first, second), expected[0, 0].numpy())


@pytest.mark.parametrize("most", [0, 100])
def test_progress_ends_with_all_done(most: int, monkeypatch: pytest.MonkeyPatch):
    told: list[float] = []
    monkeypatch.setattr(asking, "IN_STRIPS", most)
    asked_logits(wrap(Red(), AdapterConfig()).eval(), *pair(), progress=told.append)
    assert told == ([1] if most else [0.5, 1])
