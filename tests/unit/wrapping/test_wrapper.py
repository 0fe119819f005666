"""`wrap`: what it takes, and what it says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, Evaluator, RequestError, check_orientation, wrap
from bridgetune.testing.pairs import KnownPairs
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


def test_the_sizes_that_a_network_is_shown_can_be_told():
    found, network = wrap(zoo.BridgeMFFLike()).config, zoo.BridgeMFFLike()
    for config in (None, found):
        assert wrap(network, config, scales=(1, 1 / 2)).config == found.model_copy(update={"scales": (1, 0.5)})
    with pytest.raises(RequestError, match=r"scales: got 0\.5; expected 1, then"):
        wrap(network, found, scales=(0.5,))


def test_only_a_module_can_be_wrapped():
    with pytest.raises(RequestError, match=r"expected a torch\.nn\.Module"):
        wrap(nn.Identity, AdapterConfig())


class Sharper(nn.Module):
    """The image with the larger gradient, pixel by pixel: nothing in it to tune."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        gradients = [image.diff(dim=-1, append=image[..., -1:]).abs().sum(1, keepdim=True) for image in (first, second)]
        return gradients[0] - gradients[1]


def mean(first: Tensor, second: Tensor) -> Tensor:
    return (first + second) / 2


def test_what_has_nothing_to_tune_says_so():
    with pytest.raises(RequestError, match=r"^Sharper has no parameters: there is nothing to tune"):
        wrap(Sharper())
    with pytest.raises(
        RequestError, match=r"^wrap: mean is a function, in which nothing .*Evaluator\('mean', mean\), with opt"
    ):
        wrap(mean)
    with pytest.raises(RequestError, match=r"^wrap: mean is an evaluator, which fuses without a decision map"):
        wrap(Evaluator("mean", lambda first, second: (first + second) / 2))


def test_a_network_without_parameters_is_wrapped_by_its_configuration():
    generator = wrap(Sharper(), AdapterConfig())
    assert generator(*torch.rand(2, 1, 3, 8, 9)).shape == (1, 1, 8, 9)
    assert check_orientation(generator, KnownPairs(64, 64)).verdict == "first"
