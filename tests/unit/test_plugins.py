"""Discovery: one broken plugin harms no other; conflicts and unknown names are answered."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

import pytest

from bridgetune import RequestError
from bridgetune.plugins import OURS, Plugin, Registry, discover
from tests.support import ROOT

PLUGIN = """
from bridgetune.hookspecs import GeneratorSpec, hookimpl

bridgetune_hook_api = {api}

@hookimpl
def bridgetune_register_generators(register):
    register(GeneratorSpec(name={name!r}, summary="a test", network="torch.nn:Identity"))
"""


def install(site: Path, name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> EntryPoint:
    """A distribution `bridgetune-NAME` 1.0 with one module, as pip would leave it."""
    module = f"bridgetune_test_{name}"
    (site / f"{module}.py").write_text(source)
    info = site / f"bridgetune_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bridgetune-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[bridgetune]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, module, raising=False)
    (point,) = Distribution.at(info).entry_points
    return point


def found(site: Path, sources: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Registry:
    return discover([install(site, name, source, monkeypatch) for name, source in sources.items()])


def test_a_plugin_registers_its_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    registry = found(tmp_path, {"good": PLUGIN.format(api=1, name="good")}, monkeypatch)
    plugin, spec = registry.find("good")
    assert (plugin.source, spec.network) == ("bridgetune-good 1.0", "torch.nn:Identity")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise RuntimeError('no GPU\\nat all')", "RuntimeError: no GPU"),
        ("import a_package_that_is_missing", "ModuleNotFoundError: No module named 'a_package_that_is_missing'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "states no bridgetune_hook_api; expected bridgetune_hook_api = 1"),
        (PLUGIN.format(api=2, name="bad"), "written for hook API 2, this bridgetune has 1; upgrade bridgetune"),
        ("bridgetune_hook_api = 1", "registers no generator and no evaluator"),
        (PLUGIN.format(api=1, name="Bad Name!"), "ValidationError"),
        (PLUGIN.format(api=1, name="bad").replace("(register)", "(registrar)"), "PluginValidationError"),
    ],
    ids=["raises", "missing package", "exits", "no api", "newer api", "empty", "bad spec", "bad hook"],
)
def test_a_broken_plugin_is_listed_with_its_cause_and_the_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, cause: str
):
    registry = found(tmp_path, {"bad": source, "good": PLUGIN.format(api=1, name="good")}, monkeypatch)
    bad, good = registry.plugins
    assert bad.problem.startswith(cause)
    assert "\n" not in bad.problem
    assert (bad.distribution, bad.version, bad.generators) == ("bridgetune-bad", "1.0", ())
    assert good.problem == ""
    assert registry.names() == ["good"]
    with pytest.raises(RequestError, match=r"bridgetune-bad 1\.0 is broken"):
        registry.find("bad")


def test_two_plugins_that_claim_one_name_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sources = {
        "one": PLUGIN.format(api=1, name="same"),
        "two": PLUGIN.format(api=1, name="same"),
        "three": PLUGIN.format(api=1, name="other"),
    }
    registry = found(tmp_path, sources, monkeypatch)
    with pytest.raises(RequestError, match=r"bridgetune-one 1\.0 and bridgetune-two 1\.0"):
        registry.find("same")
    assert registry.conflicts() == {"same": ["bridgetune-one 1.0", "bridgetune-two 1.0"]}
    assert registry.find("other")[0].name == "three"


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    registry = found(tmp_path, {"good": PLUGIN.format(api=1, name="msfin")}, monkeypatch)
    with pytest.raises(RequestError, match=r"did you mean 'msfin'\?$"):
        registry.find("msfim")


def test_nothing_but_a_plugin_of_ours_is_ever_suggested_for_installation():
    for asked, plugin in (("drpl", "drpl"), ("mfif-gan", "peers"), ("modified-laplacian", "classic")):
        with pytest.raises(RequestError) as refused:
            Registry(()).find(asked)
        assert str(refused.value).endswith(
            f"its plugin is not installed: `pip install bridgetune-{plugin}`, or in a clone of the repository"
            f" `pip install -e bridgetune_plugins/bridgetune-{plugin}`"
        )
    for plugin in set(OURS.values()):
        assert (ROOT / f"bridgetune_plugins/bridgetune-{plugin}/pyproject.toml").is_file()
    for name in ("evil-package", "drpl2", "bridgetune-drpl", "drpl\nevil", "../drpl"):
        with pytest.raises(RequestError) as refused:
            Registry(()).find(name)
        assert "pip" not in str(refused.value)
        assert "\n" not in str(refused.value)


def test_without_plugins_an_unknown_name_says_so():
    with pytest.raises(RequestError, match=r"known: none"):
        Registry(()).find("bridgemff")


def test_a_plugin_without_a_version_is_named_by_its_distribution():
    assert Plugin("x", "bridgetune-x", "").source == "bridgetune-x"


def test_importing_bridgetune_and_listing_plugins_import_no_torch():
    program = "import sys, bridgetune; bridgetune.list_generators(); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


def test_importing_bridgetune_loads_no_plugin():
    program = "import sys, bridgetune; print(any(name.startswith('bridgetune_') for name in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


OPERATORS = (
    PLUGIN
    + """
@hookimpl
def bridgetune_operators():
    {body}
"""
)


def test_plugins_say_what_stands_for_their_operators_and_one_that_fails_at_it_harms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    sources = {
        "fine": OPERATORS.format(api=1, name="fine", body="return {'operator': len}"),
        "wrong": OPERATORS.format(api=1, name="wrong", body="raise KeyError('mine')"),
        "none": PLUGIN.format(api=1, name="none"),
    }
    assert found(tmp_path, sources, monkeypatch).operators() == {"operator": len}
    assert "plugin wrong: its operators cannot be exported (KeyError: 'mine')" in caplog.text


EVALUATOR = """
from bridgetune.hookspecs import EvaluatorSpec, hookimpl

bridgetune_hook_api = 1

@hookimpl
def bridgetune_register_evaluators(register):
    register(EvaluatorSpec(name={name!r}, summary="a test", method="torch.nn:Identity"))
"""


def test_a_plugin_may_bring_evaluators_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sources = {"mean": EVALUATOR.format(name="mean"), "good": PLUGIN.format(api=1, name="good")}
    registry = found(tmp_path, sources, monkeypatch)
    assert [plugin.problem for plugin in registry.plugins] == ["", ""]
    assert (registry.names(), registry.evaluators()) == (["good"], ["mean"])
    assert registry.find_evaluator("mean").method == "torch.nn:Identity"
    with pytest.raises(RequestError, match=r"^'mean' is an evaluator: .* expected a generator \(good\)$"):
        registry.find("mean")


def test_generators_and_evaluators_share_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sources = {"one": PLUGIN.format(api=1, name="same"), "two": EVALUATOR.format(name="same")}
    registry = found(tmp_path, sources, monkeypatch)
    assert registry.conflicts() == {"same": ["bridgetune-one 1.0", "bridgetune-two 1.0"]}
    for find in (registry.find, registry.find_evaluator):
        with pytest.raises(RequestError, match=r"claimed by bridgetune-one 1\.0 and bridgetune-two 1\.0"):
            find("same")


def test_a_name_is_corrected_to_an_evaluators_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    registry = found(tmp_path, {"pyramid": EVALUATOR.format(name="pyramid")}, monkeypatch)
    with pytest.raises(RequestError, match=r"did you mean 'pyramid'\?"):
        registry.find("pyramyd")
