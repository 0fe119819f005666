"""The command line as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bridgetune.cli import main
from bridgetune.pictures import write_image


def test_help_of_no_verb_imports_torch():
    program = """
import json, sys
from typer.main import get_command
from bridgetune.cli.app import app

def verbs(command, *path):
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, *path, name)
    yield path

asked = sorted(verbs(get_command(app)))
for path in asked:
    app([*path, "--help"], standalone_mode=False)
print(json.dumps([asked, "torch" in sys.modules]))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    asked, torch = json.loads(told.splitlines()[-1])
    assert ["finetune"] in asked
    assert ["data", "make"] in asked
    assert not torch


pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a wrong request is answered with, line by line."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    return said.err.splitlines()


def test_a_verb_that_is_mistyped_is_asked_back_in_one_sentence(capsys: pytest.CaptureFixture[str]):
    (line,), (other,) = told(["stak"], capsys), told(["plugins", "lst"], capsys)
    assert other.endswith("Did you mean 'list'? See `bridgetune plugins --help`.")
    assert line == "bridgetune: No such command 'stak'. Did you mean 'stack'? See `bridgetune --help`."


def test_what_is_to_be_pasted_stands_below_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "oddly.py").write_text(
        "from torch import nn\n\n\nclass Odd(nn.Module):\n    def forward(self, x, t):\n        return x.pixels\n"
    )
    monkeypatch.chdir(tmp_path)
    line, below, *module = told(["inspect", "oddly:Odd"], capsys)
    assert line.startswith("bridgetune: Odd could not be called")
    assert "forward(x, t)" in below
    assert module[0] == "class Pair(torch.nn.Module):"
    assert module[2].startswith("    def forward(self, first, second):")


def test_readings_that_are_left_open_stand_below_the_line_one_in_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "openly.py").write_text(
        "import torch\n\n\n"
        "def make():\n"
        "    torch.manual_seed(0)\n"
        "    return torch.nn.Conv2d(6, 4, 3, padding=1)  # a map, before or behind a picture?\n"
    )
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, np.zeros((8, 8, 3), np.uint8))
    line, *choices = told(["fuse", "--generator", "openly:make", "a.png", "b.png", "-o", "c.png"], capsys)
    assert f"can be read in {len(choices)} ways" in line
    assert len(choices) > 1
    assert all(choice.startswith("  AdapterConfig(call='concat'") for choice in choices)
