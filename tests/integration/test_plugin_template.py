"""`bridgetune plugins new`: what it writes is a plugin that installs, is found, conforms and reads as the rest does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bridgetune.templates import FILES
from bridgetune.testing import GeneratorConformance
from tests.support import ROOT

RUFF_OPTIONS = (["--isolated", "--line-length", "120"], ["--config", str(ROOT / "pyproject.toml")])


def python(*arguments: object, expected: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m ...`, which must exit as expected."""
    finished = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert finished.returncode == expected, finished.stdout + finished.stderr
    return finished


def refused(*arguments: object, **environment: str) -> str:
    """The one line that a wrong request is answered with."""
    finished = python("bridgetune", "plugins", "new", *arguments, expected=2, **environment)
    (line,) = finished.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution of a generator whose name is neither a module's nor a distribution's."""
    out = tmp_path_factory.mktemp("plugins") / "mine"
    told = python("bridgetune", "plugins", "new", "my-own_net", "--out", out).stdout
    folder = out / "bridgetune-my-own-net"
    assert f"pip install -e '{folder}[test]'" in told
    assert f"pytest {folder}" in told
    assert "bridgetune pretrain --generator my-own_net" in told
    return folder


@pytest.fixture(scope="module")
def site(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plugin is installed; nothing is fetched for it."""
    site = tmp_path_factory.mktemp("site")
    python("pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--target", site, plugin)
    return site


def test_the_whole_distribution_is_written(plugin: Path):
    assert sorted(str(path.relative_to(plugin)) for path in plugin.rglob("*") if path.is_file()) == [
        "README.md",
        "pyproject.toml",
        "src/bridgetune_my_own_net/__init__.py",
        "src/bridgetune_my_own_net/network.py",
        "src/bridgetune_my_own_net/py.typed",
        "tests/test_conformance.py",
    ]
    assert [path.name for path in plugin.parent.iterdir()] == ["bridgetune-my-own-net"]


def test_it_is_listed_once_it_is_installed(site: Path):
    listed = json.loads(python("bridgetune", "plugins", "list", "--json", PYTHONPATH=str(site)).stdout)
    (found,) = (found for found in listed["plugins"] if found["name"] == "my-own_net")
    assert (found["distribution"], found["version"], found["problem"]) == ("bridgetune-my-own-net", "0.1.0", None)
    assert [generator["name"] for generator in found["generators"]] == ["my-own_net"]
    assert listed["conflicts"] == {}


def test_a_name_that_differs_only_in_its_dashes_is_taken(site: Path, tmp_path: Path):
    said = refused("my_own-net", "--out", tmp_path, PYTHONPATH=str(site))
    assert "'my_own-net' is taken by bridgetune-my-own-net 0.1.0" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_it_conforms(plugin: Path, site: Path):
    said = python("pytest", "-p", "no:cacheprovider", plugin, PYTHONPATH=str(site)).stdout
    points = sum(name.startswith("test_") for name in vars(GeneratorConformance))
    assert f"{points - 1} passed, 1 skipped" in said  # there are no trained weights yet


@pytest.mark.parametrize("options", RUFF_OPTIONS, ids=["by itself", "as a part of this repository"])
def test_ruff_finds_nothing(plugin: Path, options: list[str]):
    python("ruff", "check", "--no-cache", *options, plugin)
    python("ruff", "format", "--no-cache", "--check", *options, plugin)


def test_what_cannot_be_written_is_refused_in_one_line_and_nothing_is(plugin: Path, tmp_path: Path):
    a_file = tmp_path / "file"
    a_file.write_text("")
    for name in ("Net", "1net", "net-", "my net", "net/work", "__net"):
        assert f"NAME: got {name!r}" in refused(name, "--out", tmp_path / "new")
    assert "given nothing" in refused("", "--out", tmp_path / "new")
    assert "'bridgemff' is taken by bridgetune-bridgemff" in refused("bridgemff", "--out", tmp_path / "new")
    assert "is a file" in refused("net", "--out", a_file)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

    readme = (plugin / "README.md").read_text()
    assert "exists already" in refused("my-own_net", "--out", plugin.parent)
    assert "exists already" in refused("my_own-net", "--out", plugin.parent)
    assert (plugin / "README.md").read_text() == readme


def test_the_template_ships_with_the_core(tmp_path: Path):
    python("pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.iterdir()
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".tmpl")}
    assert shipped == {f"bridgetune/templates/plugin/{path.rpartition('/')[2]}.tmpl" for path in FILES}
