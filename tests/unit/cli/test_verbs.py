"""The verbs, and the list of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer

from bridgetune.cli.app import app
from bridgetune.cli.verbs import VERBS
from tests.support.verbs import help_of


@pytest.fixture(scope="module")
def commands() -> Any:
    return typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", VERBS)
def test_the_list_says_of_a_verb_what_its_help_begins_with(commands: Any, name: str):
    command = commands[name]
    assert command.name == name
    assert " ".join(command.help.split("\n\n")[0].split()) == VERBS[name].summary


def test_every_verb_can_be_asked_for_by_its_name_and_no_other(commands: Any):
    assert [*commands] == [*VERBS]
    assert commands.get("stak") is None


@pytest.mark.parametrize("name", ["", *VERBS])
def test_no_switch_is_shown_with_a_value(commands: Any, name: str):
    inner = getattr(commands[name], "commands", {}) if name else {}
    for path in ([name] if name else [], *([name, one] for one in inner)):
        said = help_of(app, *path)
        assert "--help Show this message and exit." in said
        assert "<bool>" not in said


def test_the_list_imports_no_verb_and_no_settings():
    program = """
import sys
from bridgetune.cli.app import app
app(["--help"], standalone_mode=False)
print(sorted({"bridgetune.cli.fuse", "bridgetune.config", "pydantic", "torch"} & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "[]"


def test_a_program_without_arguments_shows_the_list():
    told = subprocess.run([sys.executable, "-m", "bridgetune"], capture_output=True, text=True, check=False)
    assert "Traceback" not in told.stderr
    assert all(name in told.stdout for name in VERBS)
