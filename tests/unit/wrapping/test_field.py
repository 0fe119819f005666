"""How far networks of a known field see."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, wrap
from bridgetune.wrapping import field
from bridgetune.wrapping.field import reach_of


class Layers(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers, self.asked = nn.Sequential(*layers), 0

    def forward(self, images: Tensor) -> Tensor:
        self.asked += 1
        answer: Tensor = self.layers(images)
        return answer


class Cumulative(nn.Module):
    """Means of 5×5 pixels by sums over the picture that are taken apart again: NaN spreads to its end."""

    def forward(self, images: Tensor) -> Tensor:
        sums = nn.functional.pad(images[:, :1].double(), (3, 2, 3, 2)).cumsum(2).cumsum(3)
        boxes = sums[..., 5:, 5:] - sums[..., :-5, 5:] - sums[..., 5:, :-5] + sums[..., :-5, :-5]
        return boxes.float()


def reach(network: nn.Module, multiple: int = 1) -> int | None:
    return reach_of(wrap(network, AdapterConfig(call="concat", multiple=multiple)).eval())


@pytest.mark.parametrize(
    ("layers", "multiple", "expected"),
    [
        ([nn.Conv2d(6, 1, 1)], 1, 0),
        ([nn.Conv2d(6, 1, 5, padding=2)], 1, 2),
        ([nn.Conv2d(6, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 5, padding=4, dilation=2)], 1, 1 + 4),
        # a pixel, the square of four beside it, and the one beside that
        ([nn.Conv2d(6, 4, 3, padding=1), nn.MaxPool2d(4), nn.Conv2d(4, 1, 3, padding=1), nn.Upsample(None, 4)], 4, 8),
        ([nn.Conv2d(6, 1, (161, 1), padding=(80, 0))], 1, 80),  # beyond the first size
        ([Cumulative()], 1, 2),
    ],
)
def test_the_reach_of_a_network_is_that_of_its_layers(layers: list[nn.Module], multiple: int, expected: int):
    assert reach(Layers(*layers), multiple) == expected


def test_a_weight_of_nothing_is_a_connection():
    convolution = nn.Conv2d(6, 1, 9, padding=4)
    nn.init.zeros_(convolution.weight[..., 0, :])
    assert reach(Layers(convolution)) == 4


@pytest.mark.parametrize(
    "layer", [nn.GroupNorm(1, 6), nn.InstanceNorm2d(6), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Upsample(128))]
)
def test_what_looks_at_the_whole_has_no_reach(layer: nn.Module, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(field, "SIDES", (128,))
    assert reach(Layers(layer, nn.Conv2d(6, 1, 1))) is None


def test_a_network_is_measured_once_however_it_is_asked():
    network = Layers(nn.Conv2d(6, 1, 3, padding=1))
    adapter = wrap(network, AdapterConfig(call="concat")).eval()
    assert reach_of(adapter) == 1
    asked = network.asked
    assert reach_of(adapter.reconfigured(adapter.config.asked(True, True))) == 1
    assert network.asked == asked
