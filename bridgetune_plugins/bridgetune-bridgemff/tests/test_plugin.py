import subprocess
import sys
from importlib import import_module

import pytest
import torch

import bridgetune_bridgemff as plugin
from bridgetune.hookspecs import HOOK_API, GeneratorSpec


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


def test_network_honours_what_the_plugin_registers(spec):
    side = spec.adapter.multiple
    low, high = spec.adapter.value_range
    images = torch.rand(2, 1, 3, side, side) * (high - low) + low
    assert spec.name == "bridgemff"
    assert resolve(spec.network)(initialisation="mamba")(*images).shape == (1, 1, side, side)
    assert resolve(spec.discriminator)(initialisation="mamba")(images[0]).shape == (1, 1, side, side)
    assert callable(resolve(spec.read_weights))


def test_doctor_says_in_one_line_which_scan_runs():
    (answer,) = plugin.bridgetune_doctor().values()
    assert answer
    assert "\n" not in answer


def test_registering_imports_no_torch():
    program = (
        "import sys, bridgetune_bridgemff as plugin; "
        "plugin.bridgetune_register_generators(lambda spec: None); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
