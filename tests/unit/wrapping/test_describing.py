"""What a wrapped network is like, in words."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, wrap
from bridgetune.wrapping.describing import described


class Two(nn.Module):
    """A map, and an image by a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.map, self.image = nn.Conv2d(2, 1, 1, bias=False), nn.Conv2d(2, 1, 1, bias=False)

    def forward(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        return self.map(pair), self.image(pair)


def test_call_answer_sizes_and_what_is_reached_are_told():
    config = AdapterConfig(
        call="concat", color="gray", item=0, mean=(0.5,), std=(0.25,), orientation="second", multiple=8, minimum=32
    )
    network = Two()
    found = described(wrap(network, config))
    assert re.fullmatch(r"[\d.e+-]+ s a megapixel", found.pop("time"))
    assert found == {
        "call": "concat, channels first, gray, [0, 1] less 0.5, by 0.25",
        "answer": "logits, high where the second image is in focus",
        "sizes": "sides from 32, padded to a multiple of 8",
        "reached by a loss on the map": "2 of 4 trainable parameters",
        "sees": "each pixel by itself",
        "memory": "24 MB a megapixel, of tensors at once",  # two gray images, both as one, and two answers, floats
    }
    assert all(parameter.grad is None for parameter in network.parameters())


class Around(nn.Module):
    """Makes many channels, drops them, and looks at 5×5 pixels; at the mean of all as well, where it is to."""

    def __init__(self, whole: bool = False) -> None:
        super().__init__()
        self.whole = whole
        self.map = nn.Conv2d(6, 1, 5, padding=2)

    def forward(self, pair: Tensor) -> Tensor:
        (pair.repeat(1, 8, 1, 1) + 1).sum()
        return self.map(pair) + (1000 * pair.mean() if self.whole else 0)


def test_how_far_a_network_sees_and_what_it_holds_at_once_are_measured():
    found = described(wrap(Around(), AdapterConfig(call="concat")))
    assert found["sees"] == "2 pixels around each"
    # Twelve floats of the images, as they are and as one, and twice the 48 that they are repeated to.
    assert found["memory"] == f"{4 * (12 + 48 + 48)} MB a megapixel, of tensors at once"
    whole = described(wrap(Around(whole=True), AdapterConfig(call="concat")))
    assert whole["sees"] == "what it says of a pixel depends on the whole picture"


def test_a_network_of_one_size_says_how_others_come_to_it():
    class OfOneSize(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.position = nn.Parameter(torch.zeros(48, 48))

        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            return (first - second).mean(1, keepdim=True) + self.position

    found = described(wrap(OfOneSize(), AdapterConfig(side=48)))
    assert found["sizes"] == "48×48 alone; others in tiles that overlap"
    assert found["reached by a loss on the map"] == "2,304 of 2,304 trainable parameters"


def test_what_has_nothing_to_train_is_described_without_it():
    network = Two().requires_grad_(False)
    assert "reached by a loss on the map" not in described(
        wrap(network, AdapterConfig(call="concat", color="gray", item=0))
    )
