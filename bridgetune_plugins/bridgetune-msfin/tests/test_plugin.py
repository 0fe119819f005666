from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import bridgetune_msfin as plugin
from bridgetune import load, wrap
from bridgetune.demo import HeldOut
from bridgetune.hookspecs import HOOK_API, GeneratorSpec

QUICK = {"widths": (4, 6, 8, 12)}

WEIGHTS = Path(__file__).parents[1] / "weights"


@pytest.fixture
def spec() -> GeneratorSpec:
    registered: list[GeneratorSpec] = []
    plugin.bridgetune_register_generators(registered.append)
    (spec,) = registered
    return spec


def resolve(target: str):
    module, attribute = target.split(":")
    return getattr(import_module(module), attribute)


def test_plugin_is_written_for_the_present_hooks():
    assert plugin.bridgetune_hook_api == HOOK_API


@pytest.mark.parametrize("size", [(37, 53), (4, 6)])
def test_adapter_reads_the_finest_map_as_logits_at_any_size(spec, size):
    torch.manual_seed(0)
    generator = wrap(resolve(spec.network)(**QUICK), spec.adapter)
    for head, bias in zip(generator.network.heads, (1.0, 2.0, 3.0, 4.0), strict=True):
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.constant_(head.bias, bias)
    assert spec.name == "msfin"
    logits = generator(*torch.rand(2, 1, 3, *size))  # in training mode: batch norm has enough to train on
    torch.testing.assert_close(logits, torch.ones(1, 1, *size))


def test_network_receives_both_images_standardised_with_imagenets_statistics(spec):
    received = []
    network = resolve(spec.network)(**QUICK)
    network.register_forward_pre_hook(lambda module, args: received.append(args[0]))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    wrap(network, spec.adapter)(mean, mean + deviation)
    expected = torch.cat([torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)], dim=1)
    torch.testing.assert_close(received[0], expected)


def test_discriminator_takes_the_generators_options(spec):
    discriminator = resolve(spec.discriminator)(**QUICK)
    assert discriminator.body.encoder[0][0][0].out_channels == QUICK["widths"][0]
    assert discriminator(torch.randn(2, 3, 16, 16)).shape == (2, 1, 16, 16)


@pytest.mark.skipif(not WEIGHTS.exists(), reason="the trained weights lie beside the sources, and in no package")
def test_the_weights_that_lie_beside_it_know_sharp_from_blurred():
    generator, held_out = load(WEIGHTS).eval(), HeldOut(longest_side=128)
    assert {parameter.dtype for parameter in generator.parameters()} == {torch.float32}
    pairs = [held_out.sample(index, np.random.default_rng(0)) for index in range(len(held_out))]
    with torch.inference_mode():
        decided = [generator(pair.first[None], pair.second[None])[0] >= 0 for pair in pairs]
    wrong = [float((one != (pair.mask > 0.5)).float().mean()) for one, pair in zip(decided, pairs, strict=True)]
    assert np.mean(wrong) < 0.15
