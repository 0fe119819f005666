"""The judges."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bridgetune import AdapterConfig, RequestError, create, wrap
from bridgetune.discriminators import PATCH_DOMAIN, Discriminator, PatchNetwork, build_discriminator
from bridgetune.wrapping import Adapter


def test_a_network_wrapped_by_hand_is_judged_by_the_fallback():
    generator = wrap(nn.Conv2d(6, 1, 1), AdapterConfig(call="concat"))
    judge, kind = build_discriminator(generator, "auto")
    assert kind == "patch"
    assert judge(torch.rand(2, 3, 40, 56)).shape == (2,)


def test_a_plugins_generator_is_judged_by_its_twin():
    judge, kind = build_discriminator(create("bridgemff", weights=None), "auto", "pixel")
    assert kind == "twin"
    assert sum(parameter.numel() for parameter in judge.parameters()) == 49_457  # the paper's network
    assert judge(torch.rand(2, 3, 64, 32)).shape == (2, 1, 64, 32)


def test_the_fallback_can_be_preferred():
    assert build_discriminator(create("bridgemff", weights=None), "patch")[1] == "patch"


def test_a_twin_that_nobody_knows_is_refused():
    with pytest.raises(RequestError, match="use 'patch'"):
        build_discriminator(wrap(nn.Conv2d(6, 1, 1), AdapterConfig(call="concat")), "twin")


def test_a_twin_that_does_not_respond_is_refused():
    class Deaf(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(image[:, :1])

    generator = Adapter(nn.Conv2d(6, 1, 1), AdapterConfig(call="concat"), twin=Deaf)
    with pytest.raises(RequestError, match="depend on the image"):
        build_discriminator(generator, "auto")


def test_one_score_an_image_is_the_mean_of_its_pixels_scores():
    network = PatchNetwork()
    image = torch.rand(2, 3, 32, 32)
    pixels = Discriminator(network, PATCH_DOMAIN, "pixel")(image)
    torch.testing.assert_close(Discriminator(network, PATCH_DOMAIN, "image")(image), pixels.mean((1, 2, 3)))


def test_the_fallback_sees_38_by_38_pixels_a_logit():
    image = torch.zeros(1, 3, 128, 128, requires_grad=True)
    # GroupNorm sees the whole image; without it the reach is the convolutions' own
    convolutions = nn.Sequential(*(layer for layer in PatchNetwork().layers if not isinstance(layer, nn.GroupNorm)))
    convolutions(image)[0, 0, 8, 8].backward()
    reached = image.grad[0].abs().sum(0).nonzero()
    assert (reached.max(0).values - reached.min(0).values + 1).tolist() == [38, 38]
