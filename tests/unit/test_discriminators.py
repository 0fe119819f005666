"""The judges."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bridgetune import AdapterConfig, RequestError, create, wrap
from bridgetune.discriminators import Discriminator, PairJudge, PatchNetwork, build_discriminator
from bridgetune.wrapping import Adapter, InputDomain

CONCAT = AdapterConfig(call="concat")


class Contrast(nn.Module):
    """Sees only how its two images differ."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 3, padding=1, bias=False)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return self.layer(first - second)


def test_a_network_wrapped_by_hand_is_judged_by_a_fresh_copy_that_sees_the_image_twice():
    network = nn.Conv2d(6, 1, 1)
    judge, kind = build_discriminator(wrap(network, CONCAT), "auto", "pixel")
    assert kind == "twin"
    assert judge(torch.rand(2, 3, 40, 56)).shape == (2, 1, 40, 56)
    (own,) = (module for module in judge.modules() if isinstance(module, nn.Conv2d))
    assert own is not network
    assert own.weight.shape == network.weight.shape
    assert not torch.equal(own.weight, network.weight), "it starts afresh"


def test_two_judges_of_one_generator_share_nothing():
    generator = wrap(nn.Conv2d(6, 1, 1), CONCAT)
    judges = [build_discriminator(generator, "twin")[0] for _ in range(2)]
    assert not {id(p) for p in judges[0].parameters()} & {id(p) for p in judges[1].parameters()}


def test_a_network_that_sees_only_differences_is_judged_by_the_fallback():
    judge, kind = build_discriminator(wrap(Contrast(), AdapterConfig()), "auto")
    assert kind == "patch"
    assert judge(torch.rand(2, 3, 40, 56)).shape == (2,)
    with pytest.raises(RequestError, match="depend on the image"):
        build_discriminator(wrap(Contrast(), AdapterConfig()), "twin")


def test_a_callable_makes_the_judge():
    def my_judge() -> nn.Module:
        return nn.Conv2d(3, 1, 3)

    judge, kind = build_discriminator(wrap(nn.Conv2d(6, 1, 1), CONCAT), my_judge)
    assert kind.endswith("my_judge")
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
        build_discriminator(Adapter(nn.Conv2d(6, 1, 1), CONCAT), "twin")


def test_one_score_an_image_is_the_mean_of_its_pixels_scores():
    network = PatchNetwork()
    image = torch.rand(2, 3, 32, 32)
    pixels = Discriminator(network, "pixel")(image)
    torch.testing.assert_close(Discriminator(network, "image")(image), pixels.mean((1, 2, 3)))


def test_the_fallback_sees_38_by_38_pixels_a_logit():
    image = torch.zeros(1, 3, 128, 128, requires_grad=True)
    # GroupNorm sees the whole image; without it the reach is the convolutions' own
    convolutions = nn.Sequential(
        *(layer for layer in PatchNetwork().layers if not isinstance(layer, nn.GroupNorm | InputDomain))
    )
    convolutions(image)[0, 0, 8, 8].backward()
    reached = image.grad[0].abs().sum(0).nonzero()
    assert (reached.max(0).values - reached.min(0).values + 1).tolist() == [38, 38]


def test_a_judge_of_pairs_exchanged_says_the_opposite_and_of_two_equal_images_nothing():
    judge, (first, second) = PairJudge(), torch.rand(2, 1, 3, 40, 56)
    said = judge(first, second)
    assert said.shape == (1, 1, 40, 56)
    torch.testing.assert_close(judge(second, first), -said)
    assert not judge(first, first).any()


def test_a_judge_of_pairs_does_not_see_how_bright_they_are():
    judge, (first, second) = PairJudge(), torch.rand(2, 1, 3, 40, 40)
    torch.testing.assert_close(judge(first + 0.25, second - 0.5), judge(first, second), rtol=1e-3, atol=1e-5)


def test_a_judge_of_pairs_sees_24_by_24_pixels_of_detail_a_logit():
    detail = torch.zeros(1, 6, 128, 128, requires_grad=True)
    PairJudge().layers(detail)[0, 0, 16, 16].backward()
    reached = detail.grad[0].abs().sum(0).nonzero()
    assert (reached.max(0).values - reached.min(0).values + 1).tolist() == [24, 24]
