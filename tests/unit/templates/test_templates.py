"""A plugin from the template: what its name becomes, and names that are taken."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bridgetune import RequestError
from bridgetune.hookspecs import HOOK_API, GeneratorSpec
from bridgetune.plugins import Plugin, Registry
from bridgetune.templates import FILES, write_plugin

NONE = Registry(())


def test_the_generators_name_makes_the_distributions_and_the_modules(tmp_path: Path):
    folder = write_plugin("my-own_net", tmp_path, NONE)
    assert folder == tmp_path / "bridgetune-my-own-net"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {path.replace("$module", "bridgetune_my_own_net") for path in FILES}
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "bridgetune-my-own-net"
    assert project["entry-points"]["bridgetune"] == {"my-own_net": "bridgetune_my_own_net"}
    module = (folder / "src" / "bridgetune_my_own_net" / "__init__.py").read_text()
    assert f"bridgetune_hook_api = {HOOK_API}" in module
    assert 'name="my-own_net"' in module


def test_all_that_is_written_is_filled_in_and_is_python(tmp_path: Path):
    for path in write_plugin("net", tmp_path, NONE).rglob("*.py"):
        text = path.read_text()
        assert "$" not in text
        compile(text, path, "exec")


@pytest.mark.parametrize("name", ["Net", "1net", "net-", "net_", "my net", "net/work", "..", "", "nét"])
def test_what_cannot_be_a_generators_name_is_refused(tmp_path: Path, name: str):
    with pytest.raises(RequestError, match=r"^NAME: got "):
        write_plugin(name, tmp_path / "out", NONE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("theirs", Plugin("theirs", "somebody-elses", "1.0")),
        ("my-net", Plugin("other", "bridgetune_My.Net", "1.0")),
        ("theirs", Plugin("x", "x", "1.0", (GeneratorSpec(name="theirs", summary="", network="a:b"),))),
        ("their_net", Plugin("x", "x", "1.0", (GeneratorSpec(name="their-net", summary="", network="a:b"),))),
    ],
    ids=["a plugin", "a distribution", "a generator", "a generator but for its dashes"],
)
def test_a_name_that_is_taken_names_who_has_it(tmp_path: Path, name: str, known: Plugin):
    with pytest.raises(RequestError, match=f"{name!r} is taken by {known.source}"):
        write_plugin(name, tmp_path, Registry((known,)))
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(tmp_path: Path):
    folder = write_plugin("net", tmp_path, NONE)
    (folder / "README.md").write_text("mine")
    with pytest.raises(RequestError, match="exists already"):
        write_plugin("net", tmp_path, NONE)
    assert (folder / "README.md").read_text() == "mine"
    assert list(tmp_path.iterdir()) == [folder]
