"""Advice of the library in the command line's own words: what it says for Python, as options that can be typed."""

from __future__ import annotations

import ast
import json
import re
import shlex

_CONFIG = re.compile(r"AdapterConfig\(((?:[^()]|\([^()]*\))*)\)")

_PHRASES = {
    "check_orientation(generator, pairs)": "look at its maps (bridgetune panels), and turn them round where they are"
    " wrong: --adapter orientation=second",
    "say it with value_range, mean and std": "say it with --adapter value_range=…, mean=… and std=…",
    "wrap with --adapter orientation=… turned": "turn it round: --adapter orientation=second, or first",
}
"""What the library says -> what is said in its place, once `AdapterConfig(…)` is options."""


def as_typed(said: str) -> str:
    """A line of the library as the command line says it."""
    line = _CONFIG.sub(lambda found: options(found[0]), said)
    for phrase, typed in _PHRASES.items():
        line = line.replace(phrase, typed)
    return line


def options(config: str) -> str:
    """`AdapterConfig(call='each', side=...)` as `--adapter call=each --adapter side=…`, all else as it is."""
    try:
        call = ast.parse(re.sub(r",\s*\.{3}\s*\)$", ")", config), mode="eval").body
    except SyntaxError:
        return config
    if not isinstance(call, ast.Call):
        return config
    typed = [f"--adapter {entry.arg}={_value(entry.value)}" for entry in call.keywords]
    return " ".join(typed) or "--adapter NAME=VALUE"


def _value(value: ast.expr) -> str:
    try:
        meant = ast.literal_eval(value)
    except ValueError:
        return "…"
    if meant is ...:
        return "…"
    return shlex.quote(meant if isinstance(meant, str) else json.dumps(meant))
