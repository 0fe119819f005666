"""`wrap`: what it takes, and what it says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bridgetune import AdapterConfig, RequestError, wrap
from tests.zoo import networks as zoo


def test_an_untrained_network_is_wrapped_with_a_warning_about_its_orientation(caplog: pytest.LogCaptureFixture):
    torch.manual_seed(0)
    generator = wrap(zoo.UntrainedUNet())
    assert generator.config == AdapterConfig(call="concat", output="probability", multiple=4, minimum=4)
    assert "taken to be the first" in caplog.text


def test_a_trained_network_is_wrapped_without_a_warning(caplog: pytest.LogCaptureFixture):
    wrap(zoo.BridgeMFFLike())
    assert caplog.text == ""


def test_the_input_domain_can_be_told():
    generator = wrap(zoo.BridgeMFFLike(), value_range=(-1, 1))
    assert generator.config.value_range == (-1, 1)
    assert generator.config.output == "probability"


def test_only_a_module_can_be_wrapped():
    with pytest.raises(RequestError, match=r"expected a torch\.nn\.Module"):
        wrap(nn.Identity, AdapterConfig())
