"""Objects named as `module:attribute`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridgetune import RequestError
from bridgetune.targets import cause, resolve, resolve_own

MODULE = "a_module_in_the_working_folder"


@pytest.fixture(autouse=True)
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's in the working folder, which is not on the path."""
    (tmp_path / f"{MODULE}.py").write_text("class Maker:\n    make = staticmethod(lambda: 'made')\n\nnumber = 3\n")
    (tmp_path / f"{MODULE}_broken.py").write_text("raise RuntimeError('no GPU\\nat all')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    for name in (MODULE, f"{MODULE}_broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_an_attribute_of_an_attribute_is_found():
    assert resolve("pathlib:Path.home") == Path.home


def test_a_module_in_the_working_folder_is_found_only_for_its_user():
    with pytest.raises(ModuleNotFoundError):
        resolve(f"{MODULE}:Maker.make")
    assert resolve_own(f"{MODULE}:Maker.make")() == "made"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_such_module:make", r"cannot be imported \(ModuleNotFoundError: No module named 'no_such_module'\)"),
        (f"{MODULE}:none", r"cannot be imported \(AttributeError: .*none.*\); expected module:factory"),
        (f"{MODULE}_broken:make", r"cannot be imported \(RuntimeError: no GPU\); expected module:factory"),
        (f"{MODULE}:number", "is a int, expected what builds the network when called"),
    ],
)
def test_what_builds_nothing_is_refused_in_a_line(target: str, said: str):
    with pytest.raises(RequestError, match=f"^{target}: {said}") as refused:
        resolve_own(target)
    assert "\n" not in str(refused.value)


def test_an_error_without_a_message_is_named_by_its_kind():
    assert cause(KeyError()) == "KeyError: no message"
    assert cause(ValueError("  first\nsecond")) == "ValueError: first"
