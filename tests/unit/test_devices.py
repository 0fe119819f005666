"""Where a network is, and how its pictures lie there."""

from __future__ import annotations

import torch
from torch import nn

from bridgetune import AdapterConfig, wrap
from bridgetune.devices import FEW, device_of, laid_out


def test_a_networks_device_is_its_parameters_or_else_its_buffers():
    layers = nn.Conv2d(6, 1, 1)
    assert device_of(layers) == torch.device("cpu")
    assert device_of(layers.to("meta")) == torch.device("meta")
    assert device_of(nn.Identity()) == torch.device("cpu")


def test_a_wrapped_network_without_parameters_is_where_its_wrapping_is():
    generator = wrap(nn.Identity(), AdapterConfig())
    assert not list(generator.parameters())
    assert device_of(generator.to("meta")) == torch.device("meta")


def channels_last(x: torch.Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last)


def test_channels_come_last_where_they_are_few_or_no_gradient_is_wanted():
    x = torch.rand(2, 3, 4, 5)
    assert channels_last(laid_out(x, FEW))
    assert laid_out(x, FEW + 1) is x
    with torch.no_grad():
        assert channels_last(laid_out(x, FEW + 1))
        assert torch.equal(laid_out(x, FEW + 1), x)


def test_other_devices_lay_out_as_they_like():
    x = torch.rand(2, 3, 4, 5, device="meta")
    assert laid_out(x, FEW) is x
