"""What is refused or warned of before tuning, and whether a map is the right way round."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, RequestError, check_orientation, wrap
from bridgetune.data import Pair, multi_focus_pair
from bridgetune.wrapping import preflight
from bridgetune.wrapping.known_pair import texture
from tests.zoo import networks as zoo


class Textures:
    """Pairs of noise, in focus on the left."""

    def __len__(self) -> int:
        return 3

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        mask = torch.zeros(1, 64, 64)
        mask[..., :30] = 1
        return multi_focus_pair(texture(64, seed=index)[0], mask, 11)


PAIR = AdapterConfig(output="probability")


@pytest.mark.parametrize(
    ("animal", "config", "reason"),
    [
        (zoo.BlindLike, PAIR, r"since it computes under torch\.no_grad"),
        (zoo.ThresholdLike, PAIR, r"since it decides hard \(gt\)"),
        (zoo.ArgmaxLike, AdapterConfig(call="concat"), r"since it decides hard \(argmax\)"),
        (zoo.ZMFFLike, PAIR, "optimises for each image"),
    ],
)
def test_a_network_that_cannot_be_tuned_is_refused_also_where_a_config_was_given(
    animal: type[nn.Module], config: AdapterConfig, reason: str
):
    with pytest.raises(RequestError, match=reason):
        preflight(wrap(animal(), config), Textures(), batch=4)


class WithSpareHead(zoo.Animal):
    """A second head that the map does not depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Conv2d(3, 1, 1)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return self.score(a, b), self.spare(a)[..., ::2, ::2]


def test_parameters_that_no_gradient_reaches_are_named_and_left_alone(caplog: pytest.LogCaptureFixture):
    network = WithSpareHead()
    unreached = preflight(wrap(network, AdapterConfig(item=0)), Textures(), batch=4)
    assert unreached == ["spare.weight", "spare.bias"]
    assert "does not reach 2 of its parameter tensors (spare), which stay as they are" in caplog.text
    assert preflight(wrap(network, AdapterConfig(item=0, auxiliary=(1,))), Textures(), batch=4) == []
    network.spare.requires_grad_(False)
    assert preflight(wrap(network, AdapterConfig(item=0)), Textures(), batch=4) == []


def test_a_network_whose_map_depends_on_nothing_that_is_trained_is_refused():
    network = WithSpareHead().requires_grad_(False)
    network.spare.requires_grad_(True)
    network.sharpness.kernel.requires_grad_(True)
    generator = wrap(network, AdapterConfig(item=0))
    network.sharpness = zoo.Sharpness(3).requires_grad_(False)
    with pytest.raises(RequestError, match="no gradient comes back from its map"):
        preflight(generator, Textures(), batch=4)


def test_a_saturated_map_is_warned_of(caplog: pytest.LogCaptureFixture):
    network = zoo.BridgeMFFLike()
    preflight(wrap(network, PAIR), Textures(), batch=4)
    assert caplog.text == ""
    network.gain.data.fill_(1e4)
    preflight(wrap(network, PAIR), Textures(), batch=4)
    assert "within 0.001 of 0 or 1" in caplog.text


def test_batch_norm_with_a_batch_of_one_is_warned_of(caplog: pytest.LogCaptureFixture):
    generator = wrap(zoo.UntrainedUNet(), AdapterConfig(call="concat", output="probability", multiple=4))
    preflight(generator, Textures(), batch=4)
    assert "BatchNorm" not in caplog.text
    preflight(generator, Textures(), batch=1, keeps_statistics=True)
    assert "BatchNorm" not in caplog.text
    preflight(generator, Textures(), batch=1)
    assert "BatchNorm" in caplog.text


class OfItsOwnStatistics(zoo.Animal):
    """Tells sharp from blurred by what its BatchNorm came with; a batch's own mean takes that away."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.norm(self.score(a, b) + 5) - 5


def test_a_network_that_a_batchs_statistics_make_another_of_is_warned_of(caplog: pytest.LogCaptureFixture):
    generator = wrap(OfItsOwnStatistics(), AdapterConfig())
    before = generator.unwrap().norm.running_mean.clone()
    preflight(generator, Textures(), batch=4, keeps_statistics=True)
    assert caplog.text == ""
    preflight(generator, Textures(), batch=4)
    assert "OfItsOwnStatistics decides" in caplog.text
    assert "--batch-norm keep" in caplog.text
    assert torch.equal(generator.unwrap().norm.running_mean, before)


def test_the_preflight_leaves_no_gradient_and_no_statistics():
    network = zoo.UntrainedUNet().train()
    before = network.layers[1].running_mean.clone()
    preflight(wrap(network, AdapterConfig(call="concat", output="probability", multiple=4)), Textures(), batch=4)
    assert torch.equal(network.layers[1].running_mean, before)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert network.training


def test_the_orientation_of_a_trained_network_can_be_checked(caplog: pytest.LogCaptureFixture):
    right = check_orientation(wrap(zoo.BridgeMFFLike(), PAIR), Textures())
    assert right.verdict == "first"
    assert right.agreement > 0.8
    turned = check_orientation(
        wrap(zoo.BridgeMFFLike(), AdapterConfig(**{**dict(PAIR), "orientation": "second"})), Textures()
    )
    assert turned.verdict == "second"
    assert turned.agreement == pytest.approx(1 - right.agreement, abs=0.01)
    assert "wrong way round" in caplog.text
    torch.manual_seed(1)
    fresh = wrap(zoo.UntrainedUNet(), AdapterConfig(call="concat", output="probability", multiple=4))
    assert check_orientation(fresh, Textures()).verdict == "unknown"
