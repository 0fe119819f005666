"""The contracts that imports keep, see pyproject.toml: held as they are, and broken where one is not kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

LAYERS, CIRCLES, FOREIGN = (
    "Imports run downwards only",
    "No room goes round in circles",
    "The core knows no plugin, and nothing that its users cannot have",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package's source and its contracts, to be spoilt."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "bridgetune", tmp_path / "bridgetune", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def linted(copy: Path) -> tuple[bool, str]:
    """Whether the contracts are kept there, and what lint-imports says."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    finished = subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode in (0, 1), finished.stdout + finished.stderr
    return finished.returncode == 0, finished.stdout


def add(copy: Path, module: str, line: str) -> None:
    with (copy / "bridgetune" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def broken(said: str) -> list[str]:
    return [line.removesuffix(" BROKEN") for line in said.splitlines() if line.endswith(" BROKEN")]


def test_the_source_keeps_all_contracts(copy: Path):
    kept, said = linted(copy)
    assert kept, said
    assert all(f"{name} KEPT" in said for name in (LAYERS, CIRCLES, FOREIGN))


@pytest.mark.parametrize(
    ("module", "line", "contract", "named"),
    [
        ("losses.py", "from bridgetune.cli import app", LAYERS, "bridgetune.losses is not allowed to import"),
        ("losses.py", "def late():\n    from bridgetune.cli import app", LAYERS, "bridgetune.losses -> bridgetune.cli"),
        ("unplaced.py", "", LAYERS, "bridgetune.unplaced"),
        ("evaluation/tables.py", "from bridgetune.evaluation import rendering", CIRCLES, "bridgetune.evaluation"),
        ("protocol.py", "import bridgetune_drpl", FOREIGN, "bridgetune.protocol -> bridgetune_drpl"),
    ],
    ids=["upwards", "upwards in a function", "a module without a layer", "a circle in a room", "a plugin"],
)
def test_a_contract_that_is_not_kept_is_named(copy: Path, module: str, line: str, contract: str, named: str):
    add(copy, module, line)
    kept, said = linted(copy)
    assert not kept
    assert contract in broken(said)
    assert named in said
