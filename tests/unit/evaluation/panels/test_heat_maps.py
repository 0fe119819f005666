"""Grad-CAM of decision maps: against networks whose heat maps are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import bridgetune
from bridgetune import Adapter, AdapterConfig, RequestError, wrap
from bridgetune.data import read_image
from bridgetune.evaluation.panels.heat_maps import heat_maps, overlaid, shown_layers
from bridgetune.testing.pairs import source_pairs


class Reds(nn.Module):
    """A layer that holds both images' red channels, and a map that is their difference inside `weights`."""

    def __init__(self, weights: Tensor | None = None) -> None:
        super().__init__()
        self.layer = nn.Conv2d(6, 2, 1, bias=False)
        self.layer.weight.data.zero_()
        self.layer.weight.data[0, 0] = self.layer.weight.data[1, 3] = 1
        self.pooled = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()
        self.weights = weights

    def forward(self, stacked: Tensor) -> Tensor:
        reds = self.layer(stacked)
        self.flat(self.pooled(reds))
        if self.weights is None:
            return reds[:, :1] - reds[:, 1:]
        return (reds * self.weights).sum(1, keepdim=True)


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.branch(first) - self.branch(second)


def reds(weights: Tensor | None = None, multiple: int = 1) -> Adapter:
    return wrap(Reds(weights), AdapterConfig(call="concat", multiple=multiple))


def normalised(heat: Tensor) -> Tensor:
    heat = heat.clamp_min(0)
    return heat / heat.amax((1, 2, 3), keepdim=True)


@pytest.mark.parametrize("multiple", [1, 16])
def test_the_heat_map_is_the_weighted_sum_of_the_layers_channels(multiple: int):
    first, second = source_pairs(2, 21, 30)
    # the mean logit's gradient is the same number at every pixel: + for the first image's red, - for the second's
    difference = (first - second)[:, :1]
    found = heat_maps(reds(multiple=multiple), first, second, ["layer"])["layer"]
    torch.testing.assert_close(found, normalised(difference))
    other = heat_maps(reds(multiple=multiple), first, second, ["layer"], "second")["layer"]
    torch.testing.assert_close(other, normalised(-difference))


def test_a_region_is_explained_by_what_its_logits_come_from():
    first, second = source_pairs(1, 20, 30)
    left = torch.zeros(1, 1, 20, 30)
    left[..., :15] = 1
    generator = reds(torch.cat([left, 1 - left], 1))
    found = heat_maps(generator, first, second, ["layer"], region=left)["layer"]
    torch.testing.assert_close(found, normalised(first[:, :1]))
    found = heat_maps(generator, first, second, ["layer"], region=1 - left)["layer"]
    torch.testing.assert_close(found, normalised(second[:, :1]))


def test_an_empty_region_and_a_layer_without_such_a_part_are_dark():
    first, second = torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    assert not heat_maps(reds(), first, second, ["layer"], "second")["layer"].any()
    assert not heat_maps(reds(), first, second, ["layer"], region=torch.zeros(1, 1, 8, 8))["layer"].any()


def test_the_generator_is_left_as_it_was():
    generator = reds().train()
    heat_maps(generator, *source_pairs(1, 16, 16), ["layer"])
    assert generator.training
    assert generator.network.layer.weight.grad is None
    assert not any(module._forward_hooks or module._backward_hooks for module in generator.modules())


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("layr", "no such layer; name one of layer"),
        ("", "no such layer"),
        ("flat", r"returns a tensor \(1, 2\), expected \(B, C, h, w\)"),
        ("pooled", r"returns a tensor \(1, 2, 1, 1\), expected"),
    ],
)
def test_a_layer_that_cannot_be_shown_is_refused(layer: str, said: str):
    with pytest.raises(RequestError, match=said):
        heat_maps(reds(), *source_pairs(1, 16, 16), [layer])


def test_a_layer_that_both_images_go_through_is_refused():
    with pytest.raises(RequestError, match="'branch': is called 2 times in a pass"):
        heat_maps(wrap(Siamese(), AdapterConfig()), *source_pairs(1, 16, 16), ["branch"])


@pytest.mark.parametrize("name", ["bridgemff", "msfin", "drpl"])
def test_layers_of_every_network_can_be_shown(name: str):
    torch.manual_seed(0)
    generator = bridgetune.create(name, weights=None)
    pair = source_pairs(1, 40, 56)
    layers = list(shown_layers(generator, *pair))
    chosen = [layers[0], layers[len(layers) // 2]]
    for layer, heat in heat_maps(generator, *pair, chosen).items():
        assert heat.shape == (1, 1, 40, 56), layer
        assert heat.min() >= 0
        assert heat.max() in (0, 1)


def test_a_trained_network_looks_at_what_it_decides_for(shared: Callable[[str], Path]):
    generator = bridgetune.create("bridgemff", weights=shared("reference/bridgemff/generator.pth"))
    lytro = shared("data/eval/lytro")
    first, second = (read_image(lytro / side / "01.jpg").tensor()[None, :, ::2, ::2] for side in "AB")
    heat = heat_maps(generator, first, second, ["body.decoder.2"])["body.decoder.2"]
    with torch.no_grad():
        inside = generator(first, second) >= 0
    assert heat[inside].mean() > 3 * heat[~inside].mean()


def test_heat_lies_over_a_gray_image():
    image, heat = torch.rand(3, 6, 8), torch.zeros(1, 6, 8)
    heat[..., :4] = 1
    shown = overlaid(image, heat)
    assert shown.shape == (3, 6, 8)
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert (shown[:2, :, :4].mean() - shown[:2, :, 4:].mean()) > 0.3
