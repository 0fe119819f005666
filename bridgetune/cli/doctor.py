"""`bridgetune doctor`: what this environment is, and what is wrong with it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from rich.table import Table
from rich.text import Text

from bridgetune._version import __version__
from bridgetune.cli.console import RESULTS, print_json
from bridgetune.cli.options import Json
from bridgetune.cli.plugins import described
from bridgetune.paths import printable
from bridgetune.plugins import registry

PACKAGES = (
    "torch",
    "accelerate",
    "numpy",
    "pillow",
    "tifffile",
    "pydantic",
    "pluggy",
    "safetensors",
    "mamba-ssm",
)


def doctor(as_json: Json = False) -> None:
    """Show versions, the device, which scan runs, and broken plugins."""
    found = registry()
    facts = {
        "bridgetune": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: _version(name) for name in PACKAGES},
        **_devices(),
        **{fact: value for plugin in found.plugins for fact, value in plugin.facts().items()},
    }
    listed = described(found)
    if as_json:
        print_json({"facts": facts, **listed})
        return
    table = Table("what", "found")
    for fact, value in facts.items():
        table.add_row(fact, value)
    for plugin in found.plugins:
        state = (
            Text(f"broken: {printable(plugin.problem)}", "red")
            if plugin.problem
            else Text(f"brings {', '.join(plugin.names)}")
        )
        table.add_row(f"plugin {plugin.source}", state)
    for name, sources in found.conflicts().items():
        table.add_row(f"conflict over {name}", Text(f"{' and '.join(sources)}; uninstall all but one", "red"))
    RESULTS.print(table)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> dict[str, str]:
    import torch

    facts = {"device": f"cpu, {torch.get_num_threads()} threads"}
    if torch.cuda.is_available():
        names = {torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())}
        facts["device"] = f"cuda, {torch.cuda.device_count()} × {', '.join(sorted(names))}"
    elif torch.backends.mps.is_available():
        facts["device"] = "mps"
    return facts
