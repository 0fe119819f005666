"""The conformance kit finds what it claims to find, and nothing else.

The kits of the good networks run with all other tests. Those of the broken ones are run by a second pytest, on this
very file: each fails at one point, and says what is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bridgetune import AdapterConfig
from bridgetune.hookspecs import GeneratorSpec
from bridgetune.plugins import Plugin, Registry
from bridgetune.testing import GeneratorConformance
from tests.support import ROOT
from tests.zoo import conforming_or_not as zoo

PLAIN, PROBABILITY = AdapterConfig(), AdapterConfig(output="probability")
ELABORATE = AdapterConfig(call="concat", output="complementary", item="map", auxiliary=("coarse",), multiple=2)

PLUGIN = """
from bridgetune.hookspecs import GeneratorSpec, hookimpl
{heading}
bridgetune_hook_api = 1

@hookimpl
def bridgetune_register_generators(register):
    for spec in {specs!r}:
        register(GeneratorSpec.model_validate_json(spec))
"""


@dataclass(frozen=True)
class Broken:
    """A generator that fails `point` alone, where `said` is part of what is to be read."""

    name: str
    point: str
    said: str
    network: type[nn.Module] = zoo.Good
    judge: str = "Judge"
    adapter: AdapterConfig = PLAIN
    kit: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> GeneratorSpec:
        return offered(self.name, self.network, self.judge, self.adapter)

    @property
    def kit_name(self) -> str:
        """A class that is collected only when it is asked for: its name does not begin with Test."""
        return f"KitOf_{self.name.replace('-', '_')}"


def offered(name: str, network: type[nn.Module], judge: str, adapter: AdapterConfig = PLAIN) -> GeneratorSpec:
    return GeneratorSpec(
        name=name,
        summary="a test",
        network=f"{zoo.__name__}:{network.__name__}",
        adapter=adapter,
        discriminator=f"{zoo.__name__}:{judge}" if judge else None,
        weights=f"{zoo.__name__}:sharper_weights",
    )


SIZE = "test_map_has_one_channel_and_the_size_of_the_pair"
FINITE = "test_logits_are_finite_even_where_images_are_flat"
OUTPUT = "test_output_is_what_the_adapter_declares"
BOTH_IMAGES = "test_map_depends_on_each_image_and_on_their_order"
TRAINED = "test_trained_weights_choose_the_image_in_focus"
GRADIENT = "test_gradient_reaches_every_parameter"
BATCH = "test_map_does_not_depend_on_the_rest_of_the_batch"
LEFT_ALONE = "test_calling_leaves_weights_buffers_and_modes_as_they_are"
ORIGIN = "test_origin_records_the_options_as_given"
TWIN_GRADIENT = "test_gradient_reaches_all_of_the_twin_and_its_image"

BROKEN = (
    Broken("halved", SIZE, "set multiple=", zoo.Halved),
    Broken("double", "test_logits_are_float32", "torch.float64", zoo.Double),
    Broken("standardised", FINITE, "['black', 'white']", zoo.Standardised),
    Broken("sigmoid", OUTPUT, "declare output='probability'", zoo.Sigmoid),
    Broken("softplus", OUTPUT, "expected to pass -1 and 1", zoo.Softplus),
    Broken("unbounded", OUTPUT, "declares output='probability'", zoo.Unbounded, adapter=PROBABILITY),
    Broken("half-blind", BOTH_IMAGES, "['another second image']", zoo.HalfBlind),
    Broken("symmetric", BOTH_IMAGES, "['the images swapped']", zoo.Symmetric),
    Broken(
        *("turned", TRAINED, "turn orientation=", zoo.Sharper),
        adapter=AdapterConfig(orientation="second"),
        kit={"trained": "shipped"},
    ),
    Broken("detached", GRADIENT, "'features.0.weight'", zoo.Detached),
    Broken("leftover", GRADIENT, "['forgotten.bias', 'forgotten.weight']; look for", zoo.Leftover),
    Broken("idle", GRADIENT, "['heads.*'] match nothing", kit={"auxiliary_parameters": ("heads.*",)}),
    Broken("not-said", GRADIENT, "auxiliary=...", zoo.Leftover, kit={"auxiliary_parameters": ("forgotten.*",)}),
    Broken("edges", "test_gradients_are_finite", "'features.0.weight'", zoo.Edges),
    Broken("drifting", "test_same_pair_gives_the_same_map", "self.training", zoo.Drifting),
    Broken("batch-centred", BATCH, "each image", zoo.BatchCentred),
    Broken("unsaved", "test_saved_generator_comes_back_bit_for_bit", "persistent", zoo.Unsaved),
    Broken("cancelling", "test_bfloat16_autocast_stays_near_float32", "large numbers in float32", zoo.Cancelling),
    Broken("counting", LEFT_ALONE, "['calls']", zoo.Counting),
    Broken("waking", LEFT_ALONE, "'features'", zoo.Waking),
    Broken("gambling", "test_calling_draws_no_global_random_numbers", "['random']", zoo.Gambling),
    Broken("meddling", "test_creating_and_calling_change_no_global_setting", "cudnn.benchmark", zoo.Meddling),
    Broken("heavy", "test_registering_imports_no_torch", "bridgetune-heavy 1.0: "),
    Broken("sorting", ORIGIN, "{'widths': [2, 4]}", zoo.Sorting, judge="", kit={"options": {"widths": [4, 2]}}),
    Broken("indifferent", "test_unknown_option_is_refused", "no_such_option", zoo.Indifferent),
    Broken("pooling", "test_twin_answers_an_image_with_logits", "expected (B, 1, h, w)", judge="Pooling"),
    Broken("deaf", TWIN_GRADIENT, "no gradient to its image", judge="Deaf"),
    Broken("half-used", TWIN_GRADIENT, "forgotten.bias'", judge="HalfUsed"),
    Broken("shared", "test_every_twin_is_a_network_of_its_own", "two twins share", judge="same_judge"),
)
for broken in BROKEN:
    globals()[broken.kit_name] = type(broken.kit_name, (GeneratorConformance,), {"name": broken.name, **broken.kit})

GOOD = (
    offered("good", zoo.Good, "Judge"),
    offered("elaborate", zoo.Elaborate, "", ELABORATE),
    offered("sharper", zoo.Sharper, "Judge"),
)


class TestGood(GeneratorConformance):
    name = "good"
    options: ClassVar = {"width": 3}


class TestElaborate(GeneratorConformance):
    name = "elaborate"
    auxiliary_parameters = ("heads.1.*",)


class TestSharper(GeneratorConformance):
    name = "sharper"
    trained = "shipped"


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All of them, brought by `bridgetune-kit`, and one by `bridgetune-heavy`, which imports torch at once."""
    site = tmp_path_factory.mktemp("site")
    save_file(zoo.Sharper().state_dict(), site / "sharper.safetensors")
    specs = [*GOOD, *(broken.spec for broken in BROKEN)]
    found = Registry(
        (
            install(site, "kit", "", [spec for spec in specs if spec.name != "heavy"]),
            install(site, "heavy", "import torch", [spec for spec in specs if spec.name == "heavy"]),
        )
    )
    paths = [str(site), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        patch.setenv(zoo.WEIGHTS, str(site / "sharper.safetensors"))
        patch.setattr("bridgetune.plugins.registry", lambda: found)
        patch.setattr(torch.backends.cudnn, "benchmark", False)  # set by one of the networks, and put back by this
        yield


def install(site: Path, name: str, heading: str, specs: list[GeneratorSpec]) -> Plugin:
    """A distribution `bridgetune-NAME` 1.0 as pip would leave it."""
    source = PLUGIN.format(heading=heading, specs=[spec.model_dump_json() for spec in specs])
    (site / f"bridgetune_test_{name}.py").write_text(source)
    info = site / f"bridgetune_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bridgetune-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[bridgetune]\n{name} = bridgetune_test_{name}\n")
    return Plugin(name, f"bridgetune-{name}", "1.0", tuple(specs))


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Kits of broken networks -> the points that they fail -> what is said.

    The points that take an interpreter of their own, and seconds, are put only to the networks that break them.
    """
    report = tmp_path_factory.mktemp("report") / "report.xml"
    chosen = "KitOf and (not (registering or global_setting) or KitOf_heavy or KitOf_meddling)"
    options = ["-o", "python_classes=KitOf", "-k", chosen, f"--junitxml={report}", "-p", "no:cacheprovider"]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *options, __file__], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert report.exists(), finished.stdout + finished.stderr
    found: dict[str, dict[str, str]] = {broken.kit_name: {} for broken in BROKEN}
    for case in ElementTree.parse(report).iter("testcase"):
        for failure in [*case.iter("failure"), *case.iter("error")]:
            found[case.get("classname", "").rpartition(".")[2]][case.get("name", "")] = failure.get("message", "")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_broken_generator_fails_at_its_point_alone(broken: Broken, failures: dict[str, dict[str, str]]):
    failed = failures[broken.kit_name]
    assert failed.keys() == {broken.point}, failed
    assert broken.said in failed[broken.point]


def test_every_point_has_a_generator_that_breaks_it():
    points = {name for name in vars(GeneratorConformance) if name.startswith("test_")}
    assert points == {broken.point for broken in BROKEN}


def test_a_plugin_that_is_not_installed_is_told_to_be(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    kit = TestGood()
    with pytest.raises(AssertionError, match=r"bridgetune-kit is not installed \(pip install"):
        kit.test_registering_imports_no_torch()


def test_without_pytest_there_is_one_clear_line():
    program = "import sys; sys.modules['pytest'] = None; import bridgetune.testing"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    said = finished.stderr.splitlines()[-1]
    assert said == "ModuleNotFoundError: bridgetune.testing needs pytest; pip install pytest"
