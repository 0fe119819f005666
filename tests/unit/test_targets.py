"""Objects named as `module:attribute`, and what the user's own of them build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridgetune import RequestError
from bridgetune.targets import build_own, cause, clean_path_for_children, refuse_untrusted, resolve

MODULE = "a_module_in_the_working_folder"


@pytest.fixture(autouse=True)
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's in the working folder, which is not on the path."""
    (tmp_path / f"{MODULE}.py").write_text(
        "import os, signal, sys\n"
        "from torch import nn\n\n"
        "number = 3\n\n\n"
        "def refuse(kind, *said):\n    raise kind(*said)\n\n\n"
        "class Maker:\n"
        "    make = staticmethod(lambda: nn.Conv2d(6, 1, 1))\n"
        "    leave = staticmethod(lambda: sys.exit(0))\n"
        "    interrupt = staticmethod(lambda: refuse(KeyboardInterrupt))\n"
        "    press = staticmethod(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "    fail = staticmethod(lambda: refuse(RuntimeError, 'no GPU\\nat all'))\n"
        "    ask = staticmethod(lambda: input('which? '))\n"
        "    late = staticmethod(lambda: __import__('a_helper_in_the_working_folder').make())\n"
        "    nothing = staticmethod(lambda: print('made nothing'))\n"
        "    needs = staticmethod(lambda width: width)\n"
    )
    (tmp_path / "a_helper_in_the_working_folder.py").write_text(
        "from torch import nn\n\n\ndef make():\n    print('made it')\n    return nn.Conv2d(6, 1, 1)\n"
    )
    (tmp_path / f"{MODULE}_broken.py").write_text("raise RuntimeError('no GPU\\nat all')\n")
    (tmp_path / f"{MODULE}_leaving.py").write_text("raise SystemExit\n")
    (tmp_path / f"{MODULE}_wanting.py").write_text("import no_such_module\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    for name in (
        MODULE,
        *(f"{MODULE}_{kind}" for kind in ("broken", "leaving", "wanting")),
        "a_helper_in_the_working_folder",
    ):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_an_attribute_of_an_attribute_is_found():
    assert resolve("pathlib:Path.home") == Path.home


@pytest.mark.parametrize("factory", ["Maker.make", "Maker.late"])
def test_a_module_in_the_working_folder_is_found_only_while_its_users_network_is_built(factory: str):
    path = list(sys.path)
    with pytest.raises(ModuleNotFoundError):
        resolve(f"{MODULE}:{factory}")
    assert build_own(f"{MODULE}:{factory}").in_channels == 6
    assert sys.path == path


def test_what_a_factory_prints_leaves_standard_output_alone(capsys: pytest.CaptureFixture[str]):
    build_own(f"{MODULE}:Maker.late")
    assert capsys.readouterr() == ("", "made it\n")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            "no_such_module:make",
            r"cannot be imported \(ModuleNotFoundError: No module .*, neither in the working folder nor installed\); e",
        ),
        (
            f"{MODULE}_wanting:make",
            r"cannot be imported \(ModuleNotFoundError: No module named 'no_such_module'\); expected module:factory",
        ),
        (f"{MODULE}:none", r"cannot be imported \(AttributeError: .*none.*\); expected module:factory"),
        (f"{MODULE}_broken:make", r"cannot be imported \(RuntimeError: no GPU\); expected module:factory"),
        (f"{MODULE}_leaving:make", r"cannot be imported \(SystemExit: no message\); expected module:factory"),
        (f"{MODULE}:number", "is a int, expected what builds the network when called"),
        (
            f"{MODULE}:Maker.leave",
            r"builds nothing when called without arguments \(SystemExit: 0\); expected a network",
        ),
        (f"{MODULE}:Maker.interrupt", r"builds nothing when .* \(KeyboardInterrupt: no message\); expected a network"),
        (
            f"{MODULE}:Maker.fail",
            r"builds nothing when called without arguments \(RuntimeError: no GPU\); expected a network",
        ),
        (f"{MODULE}:Maker.ask", r"builds nothing when .* \(EOFError: .*\); expected a network"),
        (f"{MODULE}:Maker.needs", r"builds nothing when .* \(TypeError: .*'width'\); expected a network"),
        (
            f"{MODULE}:Maker.nothing",
            r"builds nothing .* \(TypeError: it gave a NoneType\); expected a network, a torch\.nn\.Module",
        ),
        ("sys:exit", r"builds nothing when called without arguments \(SystemExit: no message\)"),
        ("a b:c", "expected module:factory, names of Python's"),
        ("..up:make", "expected module:factory, names of Python's"),
        (":make", "expected module:factory, names of Python's"),
        ("module:", "expected module:factory, names of Python's"),
        ("https://a.host/net", "expected module:factory, names of Python's"),
    ],
)
def test_what_builds_no_network_is_refused_in_a_line(target: str, said: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(RequestError, match=f"^{target}: {said}") as refused:
        build_own(target)
    assert "\n" not in str(refused.value)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="sends itself a signal")
def test_ctrl_c_stops_a_factory():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        build_own(f"{MODULE}:Maker.press")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_factory_that_a_file_names_is_shown_printable():
    with pytest.raises(RequestError, match=r"^a\.json: names e\\x1bvil:make, code .*; pass --trust-code"):
        refuse_untrusted(Path("a.json"), "e\x1bvil:make")


def test_processes_that_are_started_do_not_look_in_the_working_folder(tmp_path: Path):
    (tmp_path / "a_helper_in_the_working_folder.py").write_text("raise SystemExit('was run')")
    asked = [sys.executable, "-c", "import importlib.util as u; print(u.find_spec('a_helper_in_the_working_folder'))"]
    with clean_path_for_children():
        assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "None\n"
    assert "PYTHONSAFEPATH" not in os.environ


def test_python_m_does_not_look_in_the_working_folder(tmp_path: Path):
    (tmp_path / "pathlib.py").write_text("raise SystemExit('was run')")
    (tmp_path / "typer.py").write_text("raise SystemExit('was run')")
    home = str(Path(__file__).parents[2])
    asked = [sys.executable, "-m", "bridgetune", "--version"]
    finished = subprocess.run(asked, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": home})
    assert finished.stdout.startswith("bridgetune "), finished.stderr


def test_an_error_without_a_message_is_named_by_its_kind():
    assert cause(KeyError()) == "KeyError: no message"
    assert cause(ValueError("  first\nsecond")) == "ValueError: first"
