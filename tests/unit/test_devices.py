"""Where a network is."""

from __future__ import annotations

import torch
from torch import nn

from bridgetune import AdapterConfig, wrap
from bridgetune.devices import device_of


def test_a_networks_device_is_its_parameters_or_else_its_buffers():
    layers = nn.Conv2d(6, 1, 1)
    assert device_of(layers) == torch.device("cpu")
    assert device_of(layers.to("meta")) == torch.device("meta")
    assert device_of(nn.Identity()) == torch.device("cpu")


def test_a_wrapped_network_without_parameters_is_where_its_wrapping_is():
    generator = wrap(nn.Identity(), AdapterConfig())
    assert not list(generator.parameters())
    assert device_of(generator.to("meta")) == torch.device("meta")
