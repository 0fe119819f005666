"""Installing with a compiler and without: both succeed, and the one without says what was left out."""

import json
import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[1]

FUSE = """
import bridgetune, torch
torch.manual_seed(0)
first, second = torch.rand(2, 1, 3, 50, 70)
print(bridgetune.create("bridgemff").fuse(first, second).shape[2:])
"""


def run(*arguments: object, **environment: str) -> str:
    finished = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def installed(site: Path, wheels: Path, **environment: str) -> Path:
    """The plugin's wheel, built in this environment and unpacked into `site`."""
    wheel = ("-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir")
    run(*wheel, "--wheel-dir", wheels, PLUGIN, **environment)
    (built,) = wheels.iterdir()
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    return built


def test_without_a_compiler_everything_works_and_why_is_told(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    site = tmp_path / "site"
    wheel = installed(site, tmp_path / "wheels", PATH=str(empty), CC="")
    assert wheel.name.endswith("-py3-none-any.whl")

    told = json.loads(run("-m", "bridgetune", "doctor", "--json", PYTHONPATH=str(site)))
    assert told["facts"]["selective scan on cpu"] == (
        "torch: torch operations; not native: its native part was left out when this plugin was installed:"
        " no C compiler was found (install gcc or clang, then install this plugin again)"
    )
    assert "[50, 70]" in run("-c", FUSE, PYTHONPATH=str(site))


def test_a_compiler_that_fails_is_told_of(tmp_path):
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'stdint.h: no such file' >&2\nexit 1\n", encoding="utf-8")
    compiler.chmod(0o755)
    installed(tmp_path / "site", tmp_path / "wheels", CC=str(compiler))
    (reason,) = (tmp_path / "site").rglob("_native.left_out.txt")
    assert reason.read_text("utf-8") == (
        f"its native part was left out when this plugin was installed: {compiler} failed (stdint.h: no such file)\n"
    )


def test_a_wheel_for_every_machine_has_no_native_part(tmp_path, monkeypatch):
    hook = runpy.run_path(str(PLUGIN / "hatch_build.py"))
    monkeypatch.setenv("BRIDGETUNE_NATIVE", "0")
    assert hook["_compile"]([], tmp_path / "library.so") == "the wheel was built for every kind of machine"
    assert not list(tmp_path.iterdir())


def test_with_a_compiler_the_wheel_holds_the_library_and_fits_any_python(tmp_path):
    from bridgetune_bridgemff import native

    if native.problem():
        pytest.skip(native.problem())
    wheel = installed(tmp_path / "site", tmp_path / "wheels")
    assert "-py3-none-" in wheel.name
    assert not wheel.name.endswith("-any.whl")
    assert list((tmp_path / "site").rglob("_native.so"))
    told = json.loads(run("-m", "bridgetune", "doctor", "--json", PYTHONPATH=str(tmp_path / "site")))
    assert told["facts"]["selective scan on cpu"] == "native: compiled C, vectors and threads"
