from importlib import import_module

import pytest
import torch

import bridgetune_msfin as plugin
from bridgetune import wrap
from bridgetune.hookspecs import HOOK_API, GeneratorSpec

QUICK = {"widths": (4, 6, 8, 12)}


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
