"""Generators by name, by folder and by factory."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import bridgetune
from bridgetune import Adapter, AdapterConfig, Evaluator, RequestError, WorkError, plugins, wrap
from bridgetune.hookspecs import EvaluatorSpec, GeneratorSpec
from bridgetune.opening import open_generator, open_method
from bridgetune.plugins import Plugin, Registry
from tests.support.generators import network, saved


def test_a_wrapped_network_comes_back_bit_for_bit(tmp_path: Path):
    generator = saved(tmp_path / "g")
    again = bridgetune.load(tmp_path / "g", network=network())
    assert again.config == generator.config
    for name, value in generator.unwrap().state_dict().items():
        assert torch.equal(again.unwrap().state_dict()[name], value)


def test_networks_with_shared_parameters_come_back(tmp_path: Path):
    def tied() -> nn.Module:
        layers = nn.Sequential(nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1), nn.Conv2d(6, 1, 1))
        layers[1].weight = layers[0].weight
        return layers

    generator = wrap(tied(), AdapterConfig(call="concat"))
    generator.save_pretrained(tmp_path)
    again = bridgetune.load(tmp_path, network=tied())
    assert torch.equal(again.unwrap()[1].weight, generator.unwrap()[0].weight)


def test_a_wrapped_network_needs_a_fresh_one_to_load_into(tmp_path: Path):
    saved(tmp_path)
    with pytest.raises(RequestError, match="network="):
        bridgetune.load(tmp_path)


def test_a_plugins_generator_comes_back_by_name_alone(tmp_path: Path):
    generator = bridgetune.create("bridgemff", weights=None, initialisation="mamba")
    generator.save_pretrained(tmp_path)
    again = open_generator(str(tmp_path))
    assert again.origin == generator.origin
    assert json.loads((tmp_path / "config.json").read_text())["parameters"] == 49_673
    first, second = torch.rand(2, 1, 3, 40, 33)
    assert torch.equal(again(first, second), generator(first, second))


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's module in the working folder, with a factory."""
    name = "a_users_own_networks"
    (tmp_path / f"{name}.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *sys.path])
    return f"{name}:make"


def test_a_wrapped_network_comes_back_by_the_factory_that_was_named(tmp_path: Path, own_module: str):
    generator = wrap(network(), AdapterConfig(call="concat"), factory=own_module)
    generator.save_pretrained(tmp_path / "g")
    again = bridgetune.load(tmp_path / "g", trust=True)
    first, second = torch.rand(2, 1, 3, 8, 8)
    assert torch.equal(again.eval()(first, second), generator.eval()(first, second))
    assert again.origin == generator.origin


@pytest.mark.parametrize("wrapped", [lambda state: state, lambda state: {"state_dict": state, "epoch": 3}])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_network_of_ones_own_is_opened_by_factory_with_its_checkpoint(
    tmp_path: Path, own_module: str, wrapped, prefix: str
):
    trained = network().state_dict()
    torch.save(wrapped({prefix + name: value for name, value in trained.items()}), tmp_path / "mine.pth")
    generator = open_generator(own_module, tmp_path / "mine.pth")
    assert generator.config.call == "concat"
    assert all(torch.equal(value, trained[name]) for name, value in generator.unwrap().state_dict().items())


def test_weights_of_a_plugins_other_network_are_told_by_its_name(tmp_path: Path, own_module: str):
    torch.save(bridgetune.create("drpl", weights=None).unwrap().state_dict(), tmp_path / "drpl.pth")
    for name in ("msfin", own_module):
        with pytest.raises(RequestError, match=r"another network's.*: those of drpl, it seems \(--generator drpl\)"):
            open_generator(name, tmp_path / "drpl.pth")
    torch.save(nn.Linear(3, 3).state_dict(), tmp_path / "nobodys.pth")
    with pytest.raises(RequestError) as refused:
        open_generator("msfin", tmp_path / "nobodys.pth")
    assert "it seems" not in str(refused.value)


def test_settings_of_the_adapter_are_taken_in_place_of_its_own(tmp_path: Path, own_module: str):
    assert open_generator("drpl", None, adapter={"orientation": "second"}).config.orientation == "second"
    own = open_generator(own_module, adapter={"call": "concat", "output": "tanh"})
    assert own.config == AdapterConfig(call="concat", output="tanh")
    for odd in ({"orientation": "third"}, {"call": "shout"}, {"colour": "gray"}):
        for name in ("drpl", own_module):
            with pytest.raises(RequestError, match=next(iter(odd))):
                open_generator(name, None, adapter=odd)
    with pytest.raises(RequestError, match="adapter: laplacian-pyramid is an evaluator"):
        open_method("laplacian-pyramid", adapter={"call": "pair"})


@pytest.mark.parametrize(
    "opened", [bridgetune.load, lambda path: open_generator(str(path)), lambda path: open_method(str(path))]
)
def test_a_factory_that_a_folder_names_is_not_imported_untrusted(
    tmp_path: Path, own_module: str, opened, monkeypatch: pytest.MonkeyPatch
):
    module = own_module.partition(":")[0]
    wrap(network(), AdapterConfig(call="concat"), factory=own_module).save_pretrained(tmp_path / "g")
    (tmp_path / f"{module}.py").write_text("raise SystemExit('was run')\n")
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(RequestError, match=rf"config\.json: names {own_module}, code .* --trust-code \(trust=True\)"):
        opened(tmp_path / "g")
    assert module not in sys.modules


def test_a_typed_factory_takes_the_weights_and_the_reading_of_a_saved_one(tmp_path: Path, own_module: str):
    config = AdapterConfig(call="concat", symmetric=True)
    generator = wrap(network(), config, factory=own_module).eval()
    generator.save_pretrained(tmp_path / "g")
    again = open_generator(own_module, tmp_path / "g").eval()
    first, second = torch.rand(2, 1, 3, 8, 8)
    assert again.config == config
    assert torch.equal(again(first, second), generator(first, second))


def test_a_factory_that_is_none_is_refused(own_module: str):
    module = own_module.partition(":")[0]
    for target, said in (
        ("no_such_module:make", "cannot be imported"),
        (f"{module}:none", "cannot be imported"),
        (f"{module}:nn", "expected what builds"),
    ):
        with pytest.raises(RequestError, match=said):
            open_generator(target)


def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(tmp_path: Path, own_module: str):
    torch.save({"weights": Path("anything")}, tmp_path / "code.pth")
    with pytest.raises(RequestError, match="plain tensors"):
        open_generator(own_module, tmp_path / "code.pth")


def test_created_and_loaded_generators_are_ready_to_fuse(tmp_path: Path):
    """In training mode a BatchNorm would answer by the pair at hand, and change."""
    created = bridgetune.create("msfin", weights=None, widths=(4, 6, 8, 12))
    created.save_pretrained(tmp_path / "plugin")
    saved(tmp_path / "wrapped")
    loaded = bridgetune.load(tmp_path / "plugin"), bridgetune.load(tmp_path / "wrapped", network=network())
    for generator in (created, *loaded):
        assert not any(module.training for module in generator.modules())


def test_the_sizes_a_generator_is_shown_come_back_and_can_be_said_anew(tmp_path: Path):
    generator = bridgetune.create("drpl", weights=None, scales=(1, 1 / 2), blocks=1)
    generator.save_pretrained(tmp_path)
    assert bridgetune.load(tmp_path).config.scales == (1, 0.5)
    assert open_generator(str(tmp_path)).config.scales == (1, 0.5)
    assert open_generator(str(tmp_path), scales=(1,)).config.scales == (1,)
    with pytest.raises(RequestError, match=r"scales: got 1, 0\.7; expected"):
        open_generator(str(tmp_path), scales=(1, 0.7))


def test_a_generator_that_was_symmetric_comes_back_symmetric(tmp_path: Path):
    generator = bridgetune.create("drpl", weights=None, symmetric=True, blocks=1)
    generator.save_pretrained(tmp_path)
    assert generator.config.symmetric
    assert bridgetune.load(tmp_path).config == generator.config
    assert not bridgetune.create("drpl", weights=tmp_path, symmetric=False).config.symmetric


def test_a_saved_generator_is_created_by_its_name_with_the_options_it_was_saved_with(tmp_path: Path):
    generator = bridgetune.create("drpl", weights=None, blocks=1)
    generator.save_pretrained(tmp_path / "run" / "generator")
    for folder in (tmp_path / "run" / "generator", tmp_path / "run"):
        again = bridgetune.create("drpl", weights=folder)
        assert again.origin.options == {"blocks": 1}
        for name, value in generator.unwrap().state_dict().items():
            assert torch.equal(again.unwrap().state_dict()[name], value)


def test_a_saved_generator_of_another_name_or_with_other_options_is_refused(tmp_path: Path):
    bridgetune.create("drpl", weights=None, blocks=1).save_pretrained(tmp_path)
    with pytest.raises(RequestError, match="holds drpl, expected msfin"):
        bridgetune.create("msfin", weights=tmp_path)
    with pytest.raises(RequestError, match=r"was saved with \{'blocks': 1\}, not with blocks=2"):
        bridgetune.create("drpl", weights=tmp_path, blocks=2)


class Nothing(nn.Module):
    """A network without anything to load."""

    def __init__(self, sign: int = 1) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.sign * (first - second)[:, :1]


def mean_of_both() -> Callable[[Tensor, Tensor], Tensor]:
    return lambda first, second: (first + second) / 2


@pytest.fixture
def classics(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin with a generator that has no weights, one that ships none, and two evaluators."""
    specs = [GeneratorSpec(name="nothing", summary="", network=f"{__name__}:Nothing")]
    specs += [GeneratorSpec(name="bare", summary="", network="tests.support.generators:network")]
    mean = EvaluatorSpec(name="mean", summary="", method=f"{__name__}:mean_of_both")
    missing = EvaluatorSpec(name="missing", summary="", method=f"{__name__}:not_there")
    plugin = Plugin("classics", "bridgetune-classics", "1.0", tuple(specs), (mean, missing))
    monkeypatch.setattr(plugins, "registry", lambda: Registry((plugin,)))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Nothing.__module__])


@pytest.mark.usefixtures("classics")
def test_a_network_without_anything_to_load_needs_no_weights_and_comes_back(tmp_path: Path):
    for name, expected in (("nothing", 1), (str(tmp_path), -1)):
        bridgetune.create("nothing", sign=-1).save_pretrained(tmp_path)
        assert open_generator(name).unwrap().sign == expected
    with pytest.raises(RequestError, match="generator 'bare' comes without weights"):
        bridgetune.create("bare")


@pytest.mark.usefixtures("classics")
def test_a_method_is_an_evaluator_by_name_or_else_a_generator():
    first, second = torch.rand(2, 1, 3, 4, 5)
    mean = open_method("mean")
    assert isinstance(mean, Evaluator)
    assert mean.name == "mean"
    assert torch.equal(mean(first, second), (first + second) / 2)
    assert isinstance(open_method("nothing"), Adapter)
    assert open_method("nothing", symmetric=True).config.symmetric


@pytest.mark.usefixtures("classics")
def test_a_factory_may_build_an_evaluator_where_a_method_only_fuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a_users_own_methods.py").write_text(
        "import bridgetune\n"
        "def make():\n"
        "    return bridgetune.Evaluator('half', lambda first, second: (first + second) / 2, optimises=True)\n"
    )
    monkeypatch.chdir(tmp_path)
    half = open_method("a_users_own_methods:make")
    first, second = torch.rand(2, 1, 3, 4, 5)
    assert torch.equal(half(first, second), (first + second) / 2)
    with pytest.raises(RequestError, match=r"^scales: half is an evaluator, which has no such choice"):
        open_method("a_users_own_methods:make", scales=(1,))
    with pytest.raises(RequestError, match=r"it gave a Evaluator\); expected a network"):
        open_generator("a_users_own_methods:make")


def test_a_factory_of_a_network_is_opened_as_a_method_is(own_module: str, tmp_path: Path):
    trained = network()
    torch.save(trained.state_dict(), tmp_path / "w.pth")
    generator = open_method(own_module, tmp_path / "w.pth", True)
    assert isinstance(generator, Adapter)
    assert (generator.config.call, generator.config.symmetric) == ("concat", True)
    assert torch.equal(generator.unwrap()[0].weight, trained[0].weight)


@pytest.mark.usefixtures("classics")
def test_evaluators_are_refused_where_a_map_is_wanted_and_take_no_choice_of_a_generators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mean").mkdir()  # a folder of that name changes nothing
    for opened in (open_generator, bridgetune.create):
        with pytest.raises(RequestError, match=r"^'mean' is an evaluator: it fuses without a decision map"):
            opened("mean")
    for option, value in (("weights", "w.safetensors"), ("symmetric", False), ("mirrored", True)):
        with pytest.raises(RequestError, match=rf"^{option}: mean is an evaluator, which has no such choice"):
            open_method("mean", **{option: value})
    with pytest.raises(WorkError, match=r"evaluator 'missing': its plugin names .*not_there"):
        open_method("missing")
