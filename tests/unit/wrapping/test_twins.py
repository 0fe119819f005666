"""A judge for a network that nobody wrote one for: a fresh copy that sees the image twice."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm

from bridgetune import AdapterConfig
from bridgetune.wrapping import pair_twin

CONFIG = AdapterConfig(call="concat")


class Gained(nn.Module):
    """A layer that can be initialised anew, and a parameter that cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(6, 1, 3, padding=1)
        self.gain = nn.Parameter(torch.tensor(5.0))

    def forward(self, stacked: Tensor) -> Tensor:
        return self.gain * self.layer(stacked)


def test_layers_start_anew_and_what_cannot_keeps_the_networks_values():
    network = Gained()
    twin = dict(pair_twin(network, CONFIG)().named_parameters(prefix=""))
    layer, gain = (twin[f"generator.network.{name}"] for name in ("layer.weight", "gain"))
    assert not torch.equal(layer, network.layer.weight)
    assert torch.equal(gain, network.gain)
    assert gain is not network.gain


def test_a_twin_of_a_frozen_network_can_be_trained():
    network = Gained().requires_grad_(False)
    assert all(parameter.requires_grad for parameter in pair_twin(network, CONFIG)().parameters())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_image_stands_for_both_of_a_pair():
    twin, image = pair_twin(Gained(), CONFIG)(), torch.rand(2, 3, 8, 9)
    network = twin.get_submodule("generator.network")
    assert torch.equal(twin(image), network(torch.cat([image, image], 1)))


def test_a_symmetric_generators_twin_is_asked_once():
    """Asked in both orders, a pair of one image with itself has the logit 0 everywhere."""
    twin = pair_twin(Gained(), CONFIG.model_copy(update={"symmetric": True}))()
    assert twin(torch.rand(1, 3, 8, 8)).abs().min() > 0


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "normalised",
    [weight_norm, spectral_norm, parametrizations.weight_norm, parametrizations.spectral_norm],
    ids=["weight", "spectral", "weight, parametrized", "spectral, parametrized"],
)
def test_a_normalised_layer_starts_anew_and_stays_normalised(normalised):
    network = nn.Sequential(normalised(nn.Conv2d(6, 4, 3, padding=1)), nn.Conv2d(4, 1, 1))
    network(torch.rand(1, 6, 8, 8))  # older hooks keep the weight, with its graph
    before = {name: value.clone() for name, value in network.named_parameters()}
    twin = pair_twin(network, CONFIG)()
    fresh = dict(twin.get_submodule("generator.network").named_parameters())
    assert fresh.keys() == before.keys()
    assert not any(torch.equal(fresh[name], value) for name, value in before.items())
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())
    twin(torch.rand(1, 3, 8, 8)).sum().backward()
    assert all(parameter.grad is not None for parameter in twin.parameters())


def test_one_module_under_two_names_is_one_in_the_twin():
    network = Gained()
    network.again = network.layer
    fresh = pair_twin(network, CONFIG)().get_submodule("generator.network")
    assert fresh.again is fresh.layer


class Mixing(nn.Module):
    """Fuses by a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.layer(torch.cat([first, second], 1))


@pytest.mark.parametrize("side", [None, 16])
def test_the_twin_of_an_end_to_end_network_judges_by_its_picture(side: int | None):
    twin = pair_twin(Mixing(), AdapterConfig(output="fused", value_range=(-1, 1), side=side))()
    image = torch.rand(2, 3, 16, 16)
    verdict = twin(image)
    seen = 2 * image - 1
    expected = (twin.generator.network(seen, seen) + 1) / 2
    torch.testing.assert_close(verdict, expected.mean(1, keepdim=True))
