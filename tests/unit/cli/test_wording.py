"""What the library advises in Python can be typed on the command line."""

from __future__ import annotations

import shlex

import pytest
import typer

from bridgetune.cli.app import app
from bridgetune.cli.options import adapter_settings
from bridgetune.cli.wording import as_typed, options
from bridgetune.config import AdapterConfig
from bridgetune.wrapping.probing import pasted


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("nothing of that", "nothing of that"),
        ("say how with AdapterConfig(call=..., side=...), or", "say how with --adapter call=… --adapter side=…, or"),
        ("pass AdapterConfig(call='each', ...)", "pass --adapter call=each"),
        ("wrap with AdapterConfig(orientation=...) turned", "turn it round: --adapter orientation=second, or first"),
        ("AdapterConfig()", "--adapter NAME=VALUE"),
        ("AdapterConfig(", "AdapterConfig("),
    ],
)
def test_configs_are_told_as_options(said: str, typed: str):
    assert as_typed(said) == typed


def test_what_is_told_can_be_typed():
    config = AdapterConfig(call="concat", value_range=(0, 255), item="maps.0", scales=(1, 0.5), symmetric=True)
    told = options(pasted(config))
    given = [entry for entry in shlex.split(told) if entry != "--adapter"]
    assert AdapterConfig(**adapter_settings(given)) == config


def test_a_check_in_python_is_told_as_a_verb():
    said = "taken to be the first (AdapterConfig(call='concat')). Trained? Then check_orientation(generator, pairs)"
    told = as_typed(said)
    assert "(--adapter call=concat)" in told
    assert "bridgetune panels" in told
    assert "check_orientation" not in told
    assert "panels" in typer.main.get_command(app).commands
