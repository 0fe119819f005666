"""The conformance kit finds what it claims to find, and nothing else.

The kits of the good networks run with all other tests. Those of the broken ones are run by a second pytest, on this
very file: each fails at one point, and says what is wrong.
"""

from __future__ import annotations

import os
import random
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
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, max_pool2d, pad, softplus

from bridgetune import AdapterConfig
from bridgetune.hookspecs import GeneratorSpec
from bridgetune.plugins import Plugin, Registry
from bridgetune.testing import GeneratorConformance

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = "BRIDGETUNE_TEST_WEIGHTS"
PLAIN, PROBABILITY = AdapterConfig(), AdapterConfig(output="probability")

PLUGIN = """
from bridgetune.hookspecs import GeneratorSpec, hookimpl
{heading}
bridgetune_hook_api = 1

@hookimpl
def bridgetune_register_generators(register):
    for spec in {specs!r}:
        register(GeneratorSpec.model_validate_json(spec))
"""


class Good(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(6, width, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.head(self.features(torch.cat([first, second], 1)))


class Judge(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class Elaborate(nn.Module):
    """Conforms, with much that a careless kit would stumble over."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.heads = nn.ModuleList(nn.Conv2d(4, 2, 3, padding=1) for _ in range(2))
        self.frozen = nn.Conv2d(1, 1, 1).requires_grad_(False)
        for head in self.heads:
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        fine = self.features(images)
        maps = [head(x).sigmoid() for head, x in zip(self.heads, (fine, avg_pool2d(fine, 2)), strict=True)]
        return {"map": maps[0], "coarse": maps[1]}


ELABORATE = AdapterConfig(call="concat", output="complementary", item="map", auxiliary=("coarse",), multiple=2)


class Sharper(nn.Module):
    """Which image has the larger second differences around here; it needs no training to know."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(100.0))
        self.laplacian = nn.Parameter(torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).expand(3, 1, 3, 3).clone())

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        energy = [conv2d(image, self.laplacian, padding=1, groups=3).square() for image in (first, second)]
        return self.scale * avg_pool2d((energy[0] - energy[1]).mean(1, keepdim=True), 9, stride=1, padding=4)


def sharper_weights() -> Path:
    """The weights that the plugin ships."""
    return Path(os.environ[WEIGHTS])


class Halved(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return interpolate(max_pool2d(super().forward(first, second), 2), scale_factor=2)


class Double(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second).double()


class Standardised(Good):
    def forward(self, *images: Tensor) -> Tensor:
        axes = (1, 2, 3)
        return super().forward(*((x - x.mean(axes, keepdim=True)) / x.std(axes, keepdim=True) for x in images))


class Sigmoid(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second).sigmoid()


class Softplus(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return softplus(super().forward(first, second))


class Unbounded(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second) + 0.5


class HalfBlind(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, first)


class Symmetric(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first + second, first * second)


class Detached(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.head(self.features(torch.cat([first, second], 1)).detach())


class Leftover(Good):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(3, 3)


class Edges(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        features = self.features(torch.cat([first, second], 1))
        return self.head(pad(features.diff(dim=-1).square().sqrt(), (0, 1)))


class Drifting(Good):
    calls = 0

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(first, second) + 1e-6 * self.calls


class BatchCentred(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        logits = super().forward(first, second)
        return logits - logits.mean((0, 2, 3), keepdim=True)


class Unsaved(Good):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("offset", torch.randn(1), persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second) + self.offset


class Cancelling(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second) + 100 - 100


class Counting(Good):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(first, second)


class Waking(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.features.train()
        return super().forward(first, second)


class Gambling(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        random.random()
        return super().forward(first, second)


class Meddling(Good):
    def __init__(self) -> None:
        super().__init__()
        torch.backends.cudnn.benchmark = True


class Sorting(Good):
    def __init__(self, widths: list[int]) -> None:
        widths.sort()
        super().__init__(widths[-1])


class Indifferent(Good):
    def __init__(self, **options: Any) -> None:
        super().__init__()


class Pooling(Judge):
    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).mean((2, 3))


class Deaf(Judge):
    def forward(self, image: Tensor) -> Tensor:
        return super().forward(torch.ones_like(image))


class HalfUsed(Judge):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(3, 3)


ONLY_JUDGE = Judge()


def same_judge() -> Judge:
    return ONLY_JUDGE


@dataclass(frozen=True)
class Broken:
    """A generator that fails `point` alone, where `said` is part of what is to be read."""

    name: str
    point: str
    said: str
    network: type[nn.Module] = Good
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
        network=f"{__name__}:{network.__name__}",
        adapter=adapter,
        discriminator=f"{__name__}:{judge}" if judge else None,
        weights=f"{__name__}:sharper_weights",
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
    Broken("halved", SIZE, "set multiple=", Halved),
    Broken("double", "test_logits_are_float32", "torch.float64", Double),
    Broken("standardised", FINITE, "['black', 'white']", Standardised),
    Broken("sigmoid", OUTPUT, "declare output='probability'", Sigmoid),
    Broken("softplus", OUTPUT, "expected to pass -1 and 1", Softplus),
    Broken("unbounded", OUTPUT, "declares output='probability'", Unbounded, adapter=PROBABILITY),
    Broken("half-blind", BOTH_IMAGES, "['another second image']", HalfBlind),
    Broken("symmetric", BOTH_IMAGES, "['the images swapped']", Symmetric),
    Broken(
        *("turned", TRAINED, "turn orientation=", Sharper),
        adapter=AdapterConfig(orientation="second"),
        kit={"trained": "shipped"},
    ),
    Broken("detached", GRADIENT, "'features.0.weight'", Detached),
    Broken("leftover", GRADIENT, "['forgotten.bias', 'forgotten.weight']; look for", Leftover),
    Broken("idle", GRADIENT, "['heads.*'] match nothing", kit={"auxiliary_parameters": ("heads.*",)}),
    Broken("not-said", GRADIENT, "auxiliary=...", Leftover, kit={"auxiliary_parameters": ("forgotten.*",)}),
    Broken("edges", "test_gradients_are_finite", "'features.0.weight'", Edges),
    Broken("drifting", "test_same_pair_gives_the_same_map", "self.training", Drifting),
    Broken("batch-centred", BATCH, "each image", BatchCentred),
    Broken("unsaved", "test_saved_generator_comes_back_bit_for_bit", "persistent", Unsaved),
    Broken("cancelling", "test_bfloat16_autocast_stays_near_float32", "large numbers in float32", Cancelling),
    Broken("counting", LEFT_ALONE, "['calls']", Counting),
    Broken("waking", LEFT_ALONE, "'features'", Waking),
    Broken("gambling", "test_calling_draws_no_global_random_numbers", "['random']", Gambling),
    Broken("meddling", "test_creating_and_calling_change_no_global_setting", "cudnn.benchmark", Meddling),
    Broken("heavy", "test_registering_imports_no_torch", "bridgetune-heavy 1.0: "),
    Broken("sorting", ORIGIN, "{'widths': [2, 4]}", Sorting, judge="", kit={"options": {"widths": [4, 2]}}),
    Broken("indifferent", "test_unknown_option_is_refused", "no_such_option", Indifferent),
    Broken("pooling", "test_twin_answers_an_image_with_logits", "expected (B, 1, h, w)", judge="Pooling"),
    Broken("deaf", TWIN_GRADIENT, "no gradient to its image", judge="Deaf"),
    Broken("half-used", TWIN_GRADIENT, "forgotten.bias'", judge="HalfUsed"),
    Broken("shared", "test_every_twin_is_a_network_of_its_own", "two twins share", judge="same_judge"),
)
for broken in BROKEN:
    globals()[broken.kit_name] = type(broken.kit_name, (GeneratorConformance,), {"name": broken.name, **broken.kit})

GOOD = (
    offered("good", Good, "Judge"),
    offered("elaborate", Elaborate, "", ELABORATE),
    offered("sharper", Sharper, "Judge"),
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
    save_file(Sharper().state_dict(), site / "sharper.safetensors")
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
        patch.setenv(WEIGHTS, str(site / "sharper.safetensors"))
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
