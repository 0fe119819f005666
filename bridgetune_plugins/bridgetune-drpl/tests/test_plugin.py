import math
from importlib import import_module

import pytest
import torch

import bridgetune_drpl as plugin
from bridgetune import wrap
from bridgetune.hookspecs import HOOK_API, GeneratorSpec

QUICK = {"width": 4, "blocks": 1}


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


@pytest.mark.parametrize("size", [(37, 53), (1, 1)])
def test_adapter_reads_both_probabilities_as_one_map_at_any_size(spec, size):
    generator = wrap(resolve(spec.network)(**QUICK), spec.adapter)
    head = generator.network.body.head
    torch.nn.init.zeros_(head.weight)
    head.bias.data = torch.tensor([math.log(4), math.log(1.5)])  # o1 = 0.8 and o2 = 0.6
    assert spec.name == "drpl"
    logits = generator(*torch.rand(2, 1, 3, *size))  # in training mode: batch norm has enough to train on
    torch.testing.assert_close(logits.sigmoid(), torch.full((1, 1, *size), 0.6))  # (0.8 + 1 - 0.6) / 2


def test_network_receives_both_images_as_they_are(spec):
    received = []
    network = resolve(spec.network)(**QUICK)
    network.register_forward_pre_hook(lambda module, args: received.append(args[0]))
    first, second = torch.rand(2, 1, 3, 8, 8)
    wrap(network, spec.adapter)(first, second)
    torch.testing.assert_close(received[0], torch.cat([first, second], dim=1))


def test_discriminator_takes_the_generators_options(spec):
    discriminator = resolve(spec.discriminator)(**QUICK)
    assert discriminator.body.head.in_channels == QUICK["width"]
    assert len(discriminator.body.blocks) == QUICK["blocks"]
    assert discriminator(torch.rand(2, 3, 8, 8)).shape == (2, 1, 8, 8)
