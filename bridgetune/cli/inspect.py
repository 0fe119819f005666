"""`bridgetune inspect`: what a generator is, and what the probe sees of it."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from bridgetune.cli.console import RESULTS, print_json
from bridgetune.cli.options import GeneratorArgument, Json, Trust


def inspect(
    generator: GeneratorArgument,
    trust_code: Trust = False,
    as_json: Json = False,
) -> None:
    """Show how a network is called and read: as its plugin or its folder says, or as the probe finds out."""
    from bridgetune.opening import is_factory

    found = _of_own(generator) if is_factory(generator) else _known(generator, trust_code)
    if as_json:
        print_json(found)
        return
    table = Table("what", "found", title=generator)
    for name in ("network", "parameters", "trainable", "plugin", "factory", "options", "weights"):
        if (value := found.get(name)) not in (None, "", {}):
            table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    for number, reading in enumerate(found["readings"], 1):
        label = "wrapped as" if len(found["readings"]) == 1 else f"choice {number}"
        table.add_row(label, reading["config"])
        table.add_row("", reading["because"])
        for name, value in reading["seen"].items():
            table.add_row("", f"{name}: {value}")
    RESULTS.print(table, markup=False)


def _known(name_or_folder: str, trust: bool) -> dict[str, Any]:
    """Of a plugin's generator, with its shipped weights where it has any, or of a saved one."""
    from bridgetune.opening import open_generator
    from bridgetune.plugins import registry
    from bridgetune.wrapping.describing import described
    from bridgetune.wrapping.probing import pasted

    by_name = name_or_folder in registry().names()
    shipped = by_name and registry().find(name_or_folder)[1].weights is not None
    adapter = open_generator(name_or_folder, None if by_name and not shipped else "shipped", trust=trust)
    origin, parameters = adapter.origin, list(adapter.unwrap().parameters())
    because = f"its {'plugin' if by_name else 'folder'} says so"
    return {
        "network": type(adapter.unwrap()).__name__,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "plugin": f"{origin.distribution} {origin.version}".strip(),
        "factory": origin.factory,
        "options": dict(origin.options),
        "weights": "shipped by the plugin" if shipped else "" if by_name else name_or_folder,
        "readings": [
            {"config": pasted(adapter.config), "because": because, "agreement": None, "seen": described(adapter)}
        ],
    }


def _of_own(target: str) -> dict[str, Any]:
    from bridgetune.targets import build_own
    from bridgetune.wrapping import Adapter, probe
    from bridgetune.wrapping.describing import described
    from bridgetune.wrapping.probing import pasted

    network = build_own(target)
    findings = probe(network)
    return {
        "network": findings.network,
        "parameters": findings.parameters,
        "trainable": findings.trainable,
        "readings": [
            {
                "config": pasted(reading.config),
                "because": "; ".join(filter(None, (reading.because, reading.scaling))),
                "agreement": reading.agreement,
                "seen": described(Adapter(network, reading.config)),
            }
            for reading in findings.readings
        ],
    }
