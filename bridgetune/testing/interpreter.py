"""What can be seen only in a fresh interpreter: what a plugin imports, and what its modules do when they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import torch

from bridgetune.documents import parse_json

_REGISTERING = """
import json, sys
from importlib.metadata import entry_points
from bridgetune.hookspecs import ENTRY_POINT_GROUP
from bridgetune.plugins import discover
name, distribution = json.loads(sys.argv[1])
points = [p for p in entry_points(group=ENTRY_POINT_GROUP, name=name) if p.dist and p.dist.name == distribution]
if not points:
    sys.exit(f"{distribution} is not installed (pip install -e .)")
(plugin,) = discover(points).plugins
print(json.dumps([plugin.problem, "torch" in sys.modules]))
"""

_SETTINGS = """
import json, sys
from bridgetune.opening import create
from bridgetune.testing.interpreter import global_settings
from bridgetune.testing.pairs import source_pairs
name, options = json.loads(sys.argv[1])
first, second = source_pairs(2, 64, 64)
before = global_settings()
create(name, weights=None, **options).eval()(first, second)
after = global_settings()
print(json.dumps({name: [before[name], after[name]] for name in before if before[name] != after[name]}))
"""


def imports_torch(plugin: str, distribution: str) -> bool:
    """Whether loading the entry point `plugin` of `distribution` imports torch."""
    problem, imported = _in_a_fresh_interpreter(_REGISTERING, [plugin, distribution])
    if problem:
        raise AssertionError(f"plugin {plugin!r} of {distribution} is broken: {problem}")
    return bool(imported)


def changed_settings(generator: str, options: Mapping[str, Any]) -> dict[str, list[str]]:
    """The settings of the process that creating and calling a generator changes -> [before, after]."""
    changed: dict[str, list[str]] = _in_a_fresh_interpreter(_SETTINGS, [generator, dict(options)])
    return changed


def global_settings() -> dict[str, str]:
    """What a network must leave as the user has set it."""
    settings = {
        "torch.get_default_dtype()": torch.get_default_dtype(),
        "torch.get_default_device()": torch.get_default_device(),
        "torch.get_num_threads()": torch.get_num_threads(),
        "torch.get_num_interop_threads()": torch.get_num_interop_threads(),
        "torch.get_float32_matmul_precision()": torch.get_float32_matmul_precision(),
        "torch.is_grad_enabled()": torch.is_grad_enabled(),
        "torch.is_inference_mode_enabled()": torch.is_inference_mode_enabled(),
        "torch.is_anomaly_enabled()": torch.is_anomaly_enabled(),
        "torch.is_autocast_enabled('cpu')": torch.is_autocast_enabled("cpu"),
        "torch.are_deterministic_algorithms_enabled()": torch.are_deterministic_algorithms_enabled(),
        "torch.backends.cudnn.enabled": torch.backends.cudnn.enabled,
        "torch.backends.cudnn.benchmark": torch.backends.cudnn.benchmark,
        "torch.backends.cudnn.deterministic": torch.backends.cudnn.deterministic,
        "torch.backends.cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
        "torch.backends.mkldnn.enabled": torch.backends.mkldnn.enabled,
        "os.environ['CUDA_VISIBLE_DEVICES']": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
    return {name: str(value) for name, value in settings.items()}


def _in_a_fresh_interpreter(program: str, argument: Any) -> Any:
    """What `program` prints, as JSON, for an argument given as JSON."""
    command = [sys.executable, "-c", program, json.dumps(argument)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise AssertionError(f"in a fresh interpreter: {(finished.stderr.strip().splitlines() or ['no message'])[-1]}")
    return parse_json(finished.stdout.splitlines()[-1])
