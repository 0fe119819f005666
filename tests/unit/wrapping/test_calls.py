"""How a network is called: by its signature, and by what works."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, RequestError
from bridgetune.wrapping.calls import sizes, working_calls

PLAIN = AdapterConfig()


def ways(network: nn.Module, domain: AdapterConfig = PLAIN) -> list[AdapterConfig]:
    return [call.config for call in working_calls(network, domain)]


class Two(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first - second).mean(1, keepdim=True)


class Optional(nn.Module):
    """Takes a pair, or six channels at once."""

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        if second is None:
            first, second = first.chunk(2, 1)
        return first - second


class Phased(nn.Module):
    def forward(self, phase: str, first: Tensor, second: Tensor) -> Tensor:
        """Which phase."""
        if phase == "decide":
            return first - second
        raise ValueError(phase)


class Named(nn.Module):
    def forward(self, *, far: Tensor, near: Tensor) -> Tensor:
        return near - far


class Gray(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.layer(first) - self.layer(second)


class Placed(nn.Module):
    """Says where its images are."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        raise RuntimeError(f"both are on {first.device} and {second.device}")


def test_images_come_to_where_the_network_is():
    for device in ("cpu", "meta"):
        with pytest.raises(RequestError, match=f"both are on {device} and {device}"):
            working_calls(Placed().to(device), PLAIN)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Two, [{"call": "pair"}]),
        (Optional, [{"call": "pair"}, {"call": "concat"}]),
        (Phased, [{"prefix": ("decide",)}]),
        (Named, [{"keywords": ("far", "near")}]),
        (Gray, [{"color": "gray"}]),
        (lambda: nn.Conv2d(6, 1, 1), [{"call": "concat"}]),
    ],
    ids=["two arguments", "one or two", "a word before them", "keywords", "gray", "concatenated"],
)
def test_every_way_that_works_is_found_the_likeliest_first(network, expected: list[dict[str, object]]):
    assert ways(network()) == [AdapterConfig(**changes) for changes in expected]


def test_a_network_that_takes_no_images_is_refused_with_its_own_complaint():
    with pytest.raises(
        RequestError, match=r"^Linear could not be called .*furthest as call='.*RuntimeError: mat1 and mat2"
    ):
        working_calls(nn.Linear(7, 1), PLAIN)


class Documented(nn.Module):
    def forward(self, phase: str, first: Tensor, second: Tensor) -> Tensor:
        """Decides"""
        return first - second


def test_what_documents_a_network_is_no_word_to_call_it_with():
    with pytest.raises(RequestError, match="its answer depends on one of the images alone"):
        working_calls(Documented(), PLAIN)


def test_three_means_rule_out_one_channel():
    with pytest.raises(RequestError, match="could not be called"):
        working_calls(Gray(), AdapterConfig(mean=(0.4, 0.5, 0.6)))


class Pooling(nn.Module):
    """Down by eight and up again; at least three pixels must be left in between."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.grow = nn.MaxPool2d(8), nn.Upsample(scale_factor=8)
        self.layer = nn.Conv2d(6, 1, 3, padding=1, padding_mode="reflect")

    def forward(self, stacked: Tensor) -> Tensor:
        small = self.pool(stacked)
        if min(small.shape[-2:]) < 3:
            raise RuntimeError("too small")
        return self.grow(self.layer(small))


class OfOneSize(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(64, 64))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first - second + self.position


def test_what_sides_must_divide_by_and_how_long_they_must_be_is_tried():
    network = Pooling()
    (call,) = working_calls(network, PLAIN)
    assert sizes(network, call) == {"multiple": 8, "minimum": 32}
    (call,) = working_calls(Two(), PLAIN)
    assert sizes(Two(), call) == {"multiple": 1, "minimum": 1}


def test_the_only_size_that_a_network_takes_is_found():
    network = OfOneSize()
    (call,) = working_calls(network, PLAIN)
    assert sizes(network, call) == {"side": 64}
