"""The command line as a whole."""

from __future__ import annotations

import json
import subprocess
import sys


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
